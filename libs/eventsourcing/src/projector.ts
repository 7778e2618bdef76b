import { type AggregateDescriptor, refuseDuplicates } from './aggregate.ts'
import type { AnyEventType } from './event.ts'

/** What the runtime knows of a projector: where it reads, what it does with each event, where its rows live. */
export interface ProjectorDescriptor {
  readonly kind: 'projector'
  /** Unique in an application. */
  readonly name: string
  /** Raised by its author when its meaning changes; a raised version is built anew from offset zero. */
  readonly version: number
  readonly topics: readonly string[]
  /** The name of the read-model store, such as `sqlite`. */
  readonly store: string
  /** Makes tables and indexes in a new generation, inside a transaction. */
  readonly setup: (tx: unknown) => void | Promise<void>
  /** Makes what only queries need, such as secondary indexes, once the bulk of a replay is done; may run again. */
  readonly indexes: ((tx: unknown) => void | Promise<void>) | undefined
  /** Compares the rows of a new version with those that serve, by query handles; answers what is wrong with them. */
  readonly verify: ProjectorVerification | undefined
  /** By event name. */
  readonly handlers: ReadonlyMap<string, ProjectionHandler>
  /** What is done in the world outside, by event name: at least once per event, and never for events of the past. */
  readonly effects: ReadonlyMap<string, ProjectionHandler>
  /** Of handlers and effects. */
  readonly events: readonly AnyEventType[]
  /** `manual`: does nothing until it is started for the first time; from then on like `auto`. */
  readonly start: 'auto' | 'manual'
  readonly policies: ProjectorPolicies
}

/** What a projector does with an event that it cannot apply. */
export interface ProjectorPolicies {
  /**
   * When a handler keeps throwing, or the event cannot be read. `park-key`: the event is set aside, later events of its
   * key wait behind it, all other keys go on. `halt`: the partition stops at the event.
   */
  readonly onError: 'park-key' | 'halt'
  /** When no code of the application knows the event's type: stop, set it aside like a failure, or pass it over. */
  readonly onUnknownEvent: 'fail' | 'park' | 'skip'
}

/** `before` is undefined when nothing serves yet. An empty answer lets the new rows serve. */
export type ProjectorVerification<Handle = unknown> = (
  now: Handle,
  before: Handle | undefined,
) => readonly string[] | Promise<readonly string[]>

export type ProjectionHandler = (data: unknown, context: ProjectionContext) => void | Promise<void>

/** An event's surroundings. No clock and no random: a projection is a function of the log. */
export interface ProjectionContext<Tx = unknown> {
  /** The open transaction of the store: rows and checkpoint become durable together. */
  readonly tx: Tx
  /** The aggregate's id. */
  readonly key: string
  /** The aggregate's version after this event. */
  readonly version: number
  readonly type: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Place among the events that one stored event became: 0 unless an upcaster splits it. They share all the rest. */
  readonly subIndex: number
  /** When the event was written. */
  readonly time: Date
  readonly headers: Readonly<Record<string, string>>
}

/** One row of a projector's handlers: the event type and what to do with it. */
export interface ProjectionEntry<Tx> {
  readonly event: AnyEventType
  readonly handler: (data: never, context: ProjectionContext<Tx>) => void | Promise<void>
}

/** An event's surroundings in an effect, which has no transaction. */
export type EffectContext = Omit<ProjectionContext, 'tx'>

/** One row of a projector's effects. */
export interface EffectEntry {
  readonly event: AnyEventType
  readonly effect: (data: never, context: ProjectionContext) => void | Promise<void>
}

export interface ProjectorOptions<Tx> extends Partial<ProjectorPolicies> {
  readonly name: string
  readonly version: number
  readonly from: readonly (AggregateDescriptor | string)[]
  readonly store: string
  readonly setup: (tx: Tx) => void | Promise<void>
  /** Secondary indexes and the like, made when the bulk of a replay is done. May run again: `CREATE INDEX IF NOT EXISTS`. */
  readonly indexes?: (tx: Tx) => void | Promise<void>
  /** Asked before the rows of a raised version begin to serve, with query handles on both; see `ProjectorVerification`. */
  readonly verify?: ProjectorVerification<never>
  readonly on: readonly ProjectionEntry<Tx>[]
  /**
   * Mails, calls of other services and the like. They run for what is written after the projector (or its first effect)
   * was started for the first time, in no rebuild, one event after the other; after a crash the last one may run again,
   * so give the receiver topic, partition and offset as a key.
   */
  readonly effects?: readonly EffectEntry[]
  readonly start?: 'auto' | 'manual'
}

/** A row of `on`. */
export function on<Type extends AnyEventType, Tx>(
  event: Type,
  handler: (data: NonNullable<Type['__data']>, context: ProjectionContext<Tx>) => void | Promise<void>,
): ProjectionEntry<Tx> {
  return { event, handler }
}

/** A row of `effects`. */
export function effect<Type extends AnyEventType>(
  event: Type,
  run: (data: NonNullable<Type['__data']>, context: EffectContext) => void | Promise<void>,
): EffectEntry {
  return { event, effect: run }
}

/**
 * A projector as a plain value.
 * @throws {TypeError} when it reads nothing, its version is no positive integer, or an event appears twice.
 */
export function projector<Tx>(options: ProjectorOptions<Tx>): ProjectorDescriptor {
  const { name, version, from, store, setup, on: entries, start = 'auto' } = options
  const { onError = 'park-key', onUnknownEvent = 'fail', effects = [] } = options
  if (from.length === 0) throw new TypeError(`projector ${name} reads nothing: name an aggregate or a topic in "from"`)
  if (!Number.isSafeInteger(version) || version < 1)
    throw new TypeError(`projector ${name}: version must be 1, 2, 3 …, not ${version}`)
  refuseDuplicates(
    `projector ${name} handles`,
    entries.map(({ event }) => event.eventName),
  )
  refuseDuplicates(
    `projector ${name} has effects of`,
    effects.map(({ event }) => event.eventName),
  )
  return {
    kind: 'projector',
    name,
    version,
    topics: [...new Set(from.map((source) => (typeof source === 'string' ? source : source.topic)))],
    store,
    setup: setup as (tx: unknown) => void | Promise<void>,
    indexes: options.indexes as ProjectorDescriptor['indexes'],
    verify: options.verify as ProjectorDescriptor['verify'],
    handlers: new Map(entries.map(({ event, handler }) => [event.eventName, handler as ProjectionHandler])),
    effects: new Map(effects.map(({ event, effect: run }) => [event.eventName, run as ProjectionHandler])),
    events: [...new Set([...entries, ...effects].map(({ event }) => event))],
    start,
    policies: { onError, onUnknownEvent },
  }
}
