import {
  type AggregateDescriptor,
  type AggregateView,
  type Command,
  commandDefinitionOf,
  type DomainEvent,
  isRejection,
  type KeyfoldError,
  type Rejection,
} from '@keyfold/eventsourcing'
import { validatedCommand } from '../command-validation.ts'
import { asKeyfoldError, fail } from '../errors.ts'
import type { EventCodec } from '../event-codec.ts'
import { plainValue, type PlainValue } from '../replay/plain-value.ts'
import { eventsOf, refuseForeign } from '../writer/decide.ts'
import {
  type AggregateSource,
  type FoldedAggregate,
  foldInto,
  freshAggregate,
  partitionOf,
  readKeys,
  requireVersion,
} from './read-aggregate.ts'

export interface DryRunOptions {
  /** On the aggregate as it was at this version, with everything that shared its partition key then. Left out: now. */
  readonly atVersion?: number
}

/** What a command would come to; `version` and `state` are what it was decided on. */
export type DryRun = {
  readonly aggregate: string
  readonly key: string
  readonly version: number
  readonly state: PlainValue
} & (
  | {
      readonly kind: 'events'
      readonly events: readonly DomainEvent[]
      /** The state after them. */
      readonly stateAfter: PlainValue
    }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  | { readonly kind: 'failed'; readonly error: KeyfoldError }
)

export interface DryRunSource extends Omit<AggregateSource, 'aggregate'> {
  readonly aggregates: readonly AggregateDescriptor[]
  readonly clock: () => Date
  readonly newId: () => string
}

/** Errors: `COMMAND_UNKNOWN`, `COMMAND_INVALID`, `VERSION_NOT_REACHED`, those of reading. */
export async function dryRun(source: DryRunSource, command: Command, options: DryRunOptions): Promise<DryRun> {
  const definition = commandDefinitionOf(command)
  const aggregate = source.aggregates.find(({ decide }) => definition !== undefined && decide.has(definition.name))
  if (definition === undefined || aggregate === undefined)
    throw fail('COMMAND_UNKNOWN', `no aggregate handles ${definition?.name ?? command.constructor.name}`)
  const valid = await validatedCommand(command, definition)
  if (valid.kind === 'invalid') throw valid.error
  const { key } = valid
  const place = { kafka: source.kafka, codec: source.codec, aggregate }
  const group = await foldGroup(place, key, options.atVersion)
  const target = group.get(key) ?? freshAggregate(aggregate)
  requireVersion(key, options.atVersion, target.version)
  const on = { aggregate: aggregate.name, key, version: target.version, state: plainValue(target.state) }
  try {
    const decision = aggregate.decide.get(definition.name)?.(valid.command, target.state, {
      key,
      version: target.version,
      commandId: source.newId(),
      now: source.clock(),
      newId: source.newId,
      stateOf: <State>(other: string) => viewOf<State>(aggregate, group, { key, other }),
    })
    if (isRejection(decision)) return { ...on, kind: 'rejected', rejection: decision }
    const events = await encodable(source.codec, aggregate, eventsOf(decision))
    return {
      ...on,
      kind: 'events',
      events,
      stateAfter: stateAfter(aggregate, target, { key, events, now: source.clock() }),
    }
  } catch (error) {
    return { ...on, kind: 'failed', error: asKeyfoldError(error, 'COMMAND_FAILED', `${definition.name} for ${key}`) }
  }
}

/** Every aggregate of the key's partition key, up to the event that gave the key its version. */
async function foldGroup(
  source: AggregateSource,
  key: string,
  atVersion: number | undefined,
): Promise<ReadonlyMap<string, FoldedAggregate>> {
  const { aggregate } = source
  const group = new Map<string, FoldedAggregate>()
  const shared = aggregate.partitionKey(key)
  const partition = await partitionOf(source, key)
  for await (const stored of readKeys(source, partition, (each) => aggregate.partitionKey(each) === shared)) {
    if (stored.key === key && atVersion !== undefined && stored.aggregateVersion > atVersion) break
    const folded = group.get(stored.key) ?? freshAggregate(aggregate)
    group.set(stored.key, folded)
    foldInto(aggregate, folded, stored)
  }
  return group
}

function viewOf<State>(
  aggregate: AggregateDescriptor,
  group: ReadonlyMap<string, FoldedAggregate>,
  { key, other }: { readonly key: string; readonly other: string },
): AggregateView<State> {
  if (aggregate.partitionKey(other) !== aggregate.partitionKey(key))
    throw new TypeError(`${other} has another partition key than ${key}`)
  const { version, state } = group.get(other) ?? freshAggregate(aggregate)
  return { version, state: state as State }
}

/** The events as readers would get them. Errors: `EVENT_UNKNOWN`, `EVENT_DOES_NOT_FIT`, `SCHEMA_NOT_REGISTERED`. */
async function encodable(
  codec: EventCodec,
  aggregate: AggregateDescriptor,
  events: readonly DomainEvent[],
): Promise<readonly DomainEvent[]> {
  const read: DomainEvent[] = []
  for (const event of events) {
    refuseForeign({ aggregate }, event)
    const { data } = await codec.encode(aggregate.topic, event)
    read.push({ ...event, data })
  }
  return read
}

function stateAfter(
  aggregate: AggregateDescriptor,
  target: FoldedAggregate,
  { key, events, now }: { readonly key: string; readonly events: readonly DomainEvent[]; readonly now: Date },
): PlainValue {
  let { state, version } = target
  for (const { type, data, key: owner = key } of events) {
    if (owner !== key) continue
    version += 1
    const apply = aggregate.evolve.get(type)
    if (apply !== undefined) state = apply(state, data, { key, version, time: now })
  }
  return plainValue(state)
}
