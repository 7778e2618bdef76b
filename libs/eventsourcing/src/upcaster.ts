import type { AnyEventType, DataOf, DomainEvent, ReadOf, VersionOf, WriteOf } from './event.ts'

/**
 * How stored events of one name become what the code of today knows. Avro's resolution comes first and changes the
 * structure; an upcaster changes the meaning. It is a pure and total function of the event's data.
 */
export interface UpcasterDescriptor {
  readonly kind: 'upcaster'
  /** Full name that the event is stored under. */
  readonly event: string
  /** Its schemas, when the code still has them; undefined when it was named by text. */
  readonly source: AnyEventType | undefined
  /**
   * It starts from the shape of this version and takes everything that this version and those before it wrote, down to
   * the `from` of the upcaster before it. `Infinity`: every version, also those that the code does not know.
   */
  readonly from: number
  readonly step: UpcastStep
}

export type UpcastStep =
  /** One to one: the result has the shape of version `to`; fields with a default may be left out. */
  | { readonly kind: 'map'; readonly to: number; readonly map: (data: unknown) => unknown }
  /** One to many. All results share the place of the stored event. */
  | {
      readonly kind: 'split'
      readonly into: readonly AnyEventType[]
      readonly split: (data: unknown) => readonly DomainEvent[]
    }
  /** The event has another name now; its data are read as if version `version` of the new event had written them. */
  | { readonly kind: 'rename'; readonly to: AnyEventType; readonly version: number }
  /** One to none: nobody needs to know any more. */
  | { readonly kind: 'drop' }

/**
 * The function of a one-to-one upcaster, typed from version to version by a context's history (generated):
 * `Upcaster<'bank.Placed', 1, 2>` there is `UpcasterOf<BankHistory, 'bank.Placed', 1, 2>`.
 */
export type UpcasterOf<
  Histories,
  Name extends keyof Histories,
  From extends keyof Histories[Name],
  To extends keyof Histories[Name],
> = Histories[Name][From] extends { readonly read: infer Read }
  ? Histories[Name][To] extends { readonly write: infer Write }
    ? (data: Read) => Write
    : never
  : never

/**
 * One to one, from the shape of version `from` to that of `to` (the next one when it is left out):
 * `upcast(MoneyDeposited, { from: 1 }, ({ amountCents }) => ({ amountCents, memo: 'before memos' }))`.
 */
export function upcast<Type extends AnyEventType, const From extends VersionOf<Type>, const To extends VersionOf<Type>>(
  event: Type,
  versions: { readonly from: From; readonly to?: To },
  map: (data: ReadOf<Type, From>) => WriteOf<Type, To>,
): UpcasterDescriptor {
  const { from, to = from + 1 } = versions
  return { ...descriptorOf(event, from), step: { kind: 'map', to, map: map as (data: unknown) => unknown } }
}

/**
 * One to many: what versions up to `from` wrote becomes events of `into`, in order. Left out, `from` is every version.
 * Results have their newest shape, or that of the version that `eventAt` names.
 */
export function split<
  Type extends AnyEventType,
  const From extends VersionOf<Type>,
  const Into extends readonly AnyEventType[],
>(
  event: Type,
  versions: { readonly from?: From; readonly into: Into },
  results: (data: SplitData<Type, From>) => readonly DomainEvent<Into[number]['eventName']>[],
): UpcasterDescriptor {
  const { from = Number.POSITIVE_INFINITY, into } = versions
  const step = { kind: 'split', into, split: results as (data: unknown) => readonly DomainEvent[] } as const
  return { ...descriptorOf(event, from), step }
}

/** What `split` is given: the shape of version `from`; without it, every version is read in the newest shape. */
export type SplitData<Type extends AnyEventType, From> = [From] extends [never]
  ? DataOf<Type>
  : VersionOf<Type> extends From
    ? DataOf<Type>
    : ReadOf<Type, From>

/**
 * The event is called `to` now. Its schema must have the old full name among its `aliases`. Name the old event by its type
 * while it has upcasters of its own, by its full name otherwise. What it stored is read as if version `version` of the
 * new event had written it (1 when it is left out).
 */
export function renamed(
  event: AnyEventType | string,
  to: AnyEventType,
  { version = 1 }: { readonly version?: number } = {},
): UpcasterDescriptor {
  return { ...descriptorOf(event, Number.POSITIVE_INFINITY), step: { kind: 'rename', to, version } }
}

/** One to none: what versions up to `from` wrote is passed over. Left out, `from` is every version. */
export function dropped(
  event: AnyEventType | string,
  { from = Number.POSITIVE_INFINITY }: { readonly from?: number } = {},
): UpcasterDescriptor {
  return { ...descriptorOf(event, from), step: { kind: 'drop' } }
}

/** An upcaster in a few words: `bank.MoneyDeposited 1 → 2`. */
export function upcasterInWords({ event, from, step }: UpcasterDescriptor): string {
  const start = from === Number.POSITIVE_INFINITY ? event : `${event} ${from}`
  if (step.kind === 'map') return `${start} → ${step.to}`
  if (step.kind === 'rename') return `${start} → ${step.to.eventName} ${step.version}`
  if (step.kind === 'drop') return `${start} → nothing`
  return `${start} → ${step.into.map(({ eventName }) => eventName).join(' + ')}`
}

/** The names of the events that an upcaster leads to. */
export function upcastTargets({ event, step }: UpcasterDescriptor): readonly string[] {
  if (step.kind === 'map') return [event]
  if (step.kind === 'rename') return [step.to.eventName]
  return step.kind === 'split' ? step.into.map(({ eventName }) => eventName) : []
}

function descriptorOf(event: AnyEventType | string, from: number) {
  const isName = typeof event === 'string'
  return {
    kind: 'upcaster',
    event: isName ? event : event.eventName,
    source: isName ? undefined : event,
    from,
  } as const
}
