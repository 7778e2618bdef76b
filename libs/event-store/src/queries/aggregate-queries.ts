import { type AggregateDescriptor, type Command, refuseDuplicates } from '@keyfold/eventsourcing'
import type { KafkaClient } from '@keyfold/kafka'
import { fail } from '../errors.ts'
import type { EventCodec } from '../event-codec.ts'
import { type DryRun, type DryRunOptions, dryRun } from './dry-run.ts'
import { type AggregateHistory, showAggregate, type ShowOptions } from './show-aggregate.ts'

/** What aggregates are and were, and what they would answer. Nothing here writes, and nothing needs a claim. */
export interface AggregateQueries {
  /**
   * An aggregate's state, now or as of a version or a time, with its events. It reads the aggregate's partition from its
   * beginning: for people, not for requests.
   * Errors: `AGGREGATE_UNKNOWN`, `VERSION_NOT_REACHED`, those of reading.
   */
  show(aggregate: string, key: string, options?: ShowOptions): Promise<AggregateHistory>
  /**
   * Decides a command as the aggregate would have at a version, or would now, and writes nothing.
   * Errors: `VERSION_NOT_REACHED`, those of reading. What the command comes to is a value.
   */
  dryRun(command: Command, options?: DryRunOptions): Promise<DryRun>
  /** The names of the aggregates, with the commands of each. */
  readonly aggregates: readonly AggregateDescriptor[]
}

export interface AggregateQueriesOptions {
  readonly kafka: KafkaClient
  /** One that registers nothing will do: `new RegistryEventCodec({ url, register: 'none' })`. */
  readonly codec: EventCodec
  readonly aggregates: readonly AggregateDescriptor[]
  readonly clock?: () => Date
  readonly newId?: () => string
}

/**
 * Queries without an event store: no partition is claimed, no topic made.
 * Errors: `UPCASTERS_INVALID`, `REGISTRY_UNREACHABLE`, `EVENT_NAME_TAKEN`.
 * @throws {TypeError} when two aggregates share a name.
 */
export async function openAggregateQueries(options: AggregateQueriesOptions): Promise<AggregateQueries> {
  const { aggregates, codec } = options
  refuseDuplicates(
    'there is the aggregate',
    aggregates.map(({ name }) => name),
  )
  for (const { topic, events, upcasters } of aggregates) await codec.register(topic, events, upcasters)
  return aggregateQueries(options)
}

/** The same for a codec that knows the events already. */
export function aggregateQueries(options: AggregateQueriesOptions): AggregateQueries {
  const { aggregates, clock = () => new Date(), newId = () => globalThis.crypto.randomUUID() } = options
  const named = (name: string): AggregateDescriptor => {
    const found = aggregates.find((aggregate) => aggregate.name === name)
    if (found !== undefined) return found
    const there = aggregates.map((aggregate) => aggregate.name).join(', ')
    throw fail('AGGREGATE_UNKNOWN', `there is no aggregate ${name}${there === '' ? '' : `, only ${there}`}`)
  }
  return {
    aggregates,
    show: async (name, key, how = {}) => await showAggregate({ ...options, aggregate: named(name) }, key, how),
    dryRun: async (command, how = {}) => await dryRun({ ...options, clock, newId }, command, how),
  }
}
