import { murmur2 } from '@keyfold/bytes'
import type { AggregateDescriptor } from '@keyfold/eventsourcing'
import type { KafkaClient, StoredRecord } from '@keyfold/kafka'
import { decodeRecord } from '../envelope.ts'
import type { EventCodec } from '../event-codec.ts'
import { readPartition } from '../writer/read-partition.ts'
import { plainValue, type PlainValue } from './plain-value.ts'

/** The code of one point in time: what folds, and how it reads. Nothing is written with it. */
export interface ReplaySide {
  readonly kafka: KafkaClient
  /** One of its own for each side, and one that registers nothing: `new RegistryEventCodec({ url, register: 'none' })`. */
  readonly codec: EventCodec
  readonly aggregates: readonly AggregateDescriptor[]
}

/** A partition of one aggregate, up to an offset. */
export interface FoldRange {
  readonly aggregate: AggregateDescriptor
  readonly partition: number
  readonly endOffset: number
  /** Share of the keys that are folded, by their hash: 1 is all of them. */
  readonly sample: number
}

/** What an aggregate came to. `error`: its state could not be made, and `version` is where that was. */
export type FoldedState =
  | { readonly version: number; readonly state: PlainValue }
  | { readonly version: number; readonly error: string }

export interface FoldedPartition {
  /** By key. */
  readonly states: ReadonlyMap<string, FoldedState>
  /** Records that were read into states. */
  readonly events: number
}

interface Folding {
  version: number
  state: unknown
  error: string | undefined
}

/**
 * Folds the stored events of a partition with the code of a side. An aggregate that cannot be folded keeps its error and
 * holds up no other. Errors: those of Kafka and of a registry that cannot be reached.
 */
export async function foldPartition({ kafka, codec }: ReplaySide, range: FoldRange): Promise<FoldedPartition> {
  const { aggregate, partition, endOffset, sample } = range
  const folding = new Map<string, Folding>()
  let events = 0
  for await (const records of readPartition(kafka, { topic: aggregate.topic, partition, fromOffset: 0, endOffset })) {
    const wanted = records.filter(({ key, offset }) => key !== null && offset < endOffset && isSampled(key, sample))
    await codec.prepare(wanted.flatMap(({ value }) => value ?? []))
    for (const record of wanted) {
      const key = record.key?.toString() ?? ''
      let known = folding.get(key)
      if (known === undefined) {
        known = { version: 0, state: aggregate.initialState(), error: undefined }
        folding.set(key, known)
      }
      if (known.error !== undefined) continue
      events += 1
      foldRecord(aggregate, known, record, codec)
    }
  }
  const states = Array.from(folding, ([key, { version, state, error }]): [string, FoldedState] => [
    key,
    error === undefined ? { version, state: plainValue(state) } : { version, error },
  ])
  return { states: new Map(states), events }
}

function foldRecord(aggregate: AggregateDescriptor, known: Folding, record: StoredRecord, codec: EventCodec): void {
  const { topic, partition, offset } = record
  try {
    const stored = decodeRecord(record, codec)
    const version = stored.aggregateVersion
    for (const { type, data } of stored.events) {
      const apply = aggregate.evolve.get(type)
      if (apply !== undefined) known.state = apply(known.state, data, { key: stored.key, version, time: stored.time })
    }
    known.version = version
  } catch (error) {
    known.error = `${topic}/${partition}/${offset}: ${error instanceof Error ? String(error) : 'something was thrown'}`
  }
}

function isSampled(key: Buffer, sample: number): boolean {
  return sample >= 1 || (murmur2(key) >>> 0) / 2 ** 32 < sample
}

/** The offset after the last committed record of each partition. */
export async function committedEnds(kafka: KafkaClient, topic: string): Promise<readonly number[]> {
  return await kafka.endOffsets(topic, 'committed')
}
