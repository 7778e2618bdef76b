import type { AggregateDescriptor } from '@keyfold/eventsourcing'
import { type KafkaClient, partitionForKey } from '@keyfold/kafka'
import { type DecodedRecord, decodeRecord } from '../envelope.ts'
import { fail } from '../errors.ts'
import type { EventCodec } from '../event-codec.ts'
import { readPartition } from '../writer/read-partition.ts'

/** Where an aggregate is read: nothing is written with it. */
export interface AggregateSource {
  readonly kafka: KafkaClient
  readonly codec: EventCodec
  readonly aggregate: AggregateDescriptor
}

/** An aggregate, folded as far as it was read. */
export interface FoldedAggregate {
  version: number
  state: unknown
}

/** The partition that holds an aggregate. Errors: `TOPIC_MISMATCH`, those of Kafka. */
export async function partitionOf({ kafka, aggregate }: AggregateSource, key: string): Promise<number> {
  const { length } = await kafka.startOffsets(aggregate.topic)
  if (length === 0) throw fail('TOPIC_MISMATCH', `topic ${aggregate.topic} has no partition`)
  return partitionForKey(Buffer.from(aggregate.partitionKey(key)), length)
}

/**
 * The stored events of the keys that are wanted, in the order of the log, up to what is committed now.
 * Errors: those of Kafka and of the codec.
 */
export async function* readKeys(
  { kafka, codec, aggregate: { topic } }: AggregateSource,
  partition: number,
  isWanted: (key: string) => boolean,
): AsyncGenerator<DecodedRecord> {
  const [starts, ends] = await Promise.all([kafka.startOffsets(topic), kafka.endOffsets(topic, 'committed')])
  const range = { topic, partition, fromOffset: starts[partition] ?? 0, endOffset: ends[partition] ?? 0 }
  for await (const records of readPartition(kafka, range)) {
    const wanted = records.filter(
      ({ key, offset }) => key !== null && offset < range.endOffset && isWanted(key.toString()),
    )
    await codec.prepare(wanted.flatMap(({ value }) => value ?? []))
    for (const record of wanted) yield decodeRecord(record, codec)
  }
}

/** Takes one stored event into a folded aggregate. What a step throws is thrown on. */
export function foldInto(aggregate: AggregateDescriptor, folded: FoldedAggregate, stored: DecodedRecord): void {
  const { key, time, aggregateVersion: version } = stored
  for (const { type, data } of stored.events) {
    const apply = aggregate.evolve.get(type)
    if (apply !== undefined) folded.state = apply(folded.state, data, { key, version, time })
  }
  folded.version = version
}

export function freshAggregate({ initialState }: AggregateDescriptor): FoldedAggregate {
  return { version: 0, state: initialState() }
}

/** Errors: `VERSION_NOT_REACHED`. */
export function requireVersion(key: string, wanted: number | Date | undefined, version: number): void {
  if (typeof wanted !== 'number' || version === wanted) return
  throw fail('VERSION_NOT_REACHED', `${key} has ${version} events, not ${wanted}`, { details: { version, wanted } })
}
