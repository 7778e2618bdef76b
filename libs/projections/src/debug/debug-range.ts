import { type KafkaClient, type Offset, partitionForKey } from '@keyfold/kafka'
import type { HostedProjector } from '../effects.ts'
import { fail } from '../errors.ts'
import type { TopicPartition } from '../read-model-store.ts'
import { partitionsOf, refuseOtherTopic } from '../runner/topic-partitions.ts'

/** Which events are tried: those of one partition, or of one key in it. */
export interface DebugRange {
  /** Left out: the only topic that the projector reads. */
  readonly topic?: string | undefined
  /** Left out: where the key's events are (unless its aggregate has a `partitionKey` of its own), or the only one. */
  readonly partition?: number | undefined
  /** Only events of this key. */
  readonly key?: string | undefined
  /** The first offset; -20 begins twenty log positions before the end. Left out: where the partition begins. */
  readonly from?: Offset | undefined
  /** The offset after the last one. Left out: where the partition ends. */
  readonly to?: Offset | undefined
  /** So many events at most, 1 to 1,000, and fewer when they are large. Default 100. */
  readonly eventsMax?: number | undefined
  /**
   * Applies what lies before each of these events as well, of all keys: the rows are then what this partition alone makes
   * of them. Left out: the first event meets empty tables.
   */
  readonly warmUp?: boolean | undefined
}

/** A range with nothing left open. */
export interface ResolvedRange extends TopicPartition {
  readonly key: string | undefined
  /** Where the partition begins. */
  readonly start: Offset
  readonly from: Offset
  readonly to: Offset
  readonly eventsMax: number
  readonly warmUp: boolean
}

const EVENTS_DEFAULT = 100
const EVENTS_MAX = 1_000
/**
 * One call reads no more log positions than this from the beginning of its range on, and a warm-up as many before it: it
 * is the serving process that reads them, and warm rows are in its memory.
 */
export const POSITIONS_MAX = 1_000_000

/** Errors: `TOPIC_NOT_READ`, `TOPIC_MISSING`, `HISTORY_MISSING`, `DEBUG_RANGE_INVALID`. */
export async function resolveRange(
  kafka: KafkaClient,
  projector: HostedProjector,
  range: DebugRange,
): Promise<ResolvedRange> {
  const { key, warmUp = false, eventsMax = EVENTS_DEFAULT } = range
  if (!isWithin(eventsMax, 1, EVENTS_MAX)) throw invalid(`eventsMax: from 1 to ${EVENTS_MAX}, not ${eventsMax}`)
  const topic = topicOf(projector, range)
  const count = (await partitionsOf(kafka, projector.name, [topic])).length
  const partition = partitionOf(topic, range, count)
  const where = `${topic}/${partition}`
  const start = (await kafka.startOffsets(topic))[partition] ?? 0
  const end = (await kafka.endOffsets(topic, 'committed'))[partition] ?? 0
  const from = fromOf(range, start, end)
  const to = Math.min(range.to ?? end, end)
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) throw invalid('from and to: whole numbers')
  if (from < start)
    throw fail('HISTORY_MISSING', `${where} has no records at offset ${from} any more`, {
      details: { topic, partition, offset: from },
    })
  if (from > end || (range.to ?? Number.POSITIVE_INFINITY) <= from)
    throw invalid(`${where} ends at offset ${end}: nothing lies between ${from} and ${range.to ?? 'there'}`)
  if (warmUp && from - start > POSITIONS_MAX)
    throw invalid(`${from - start} log positions lie before offset ${from}: a warm-up reads ${POSITIONS_MAX} at most`)
  return { topic, partition, key, start, from, to, eventsMax, warmUp }
}

function topicOf(projector: HostedProjector, { topic }: DebugRange): string {
  const [only, ...others] = projector.topics
  if (topic !== undefined) refuseOtherTopic(projector, topic)
  else if (others.length > 0) throw invalid(`topic: one of ${projector.topics.join(', ')}`)
  return topic ?? only ?? ''
}

function partitionOf(topic: string, { partition, key }: DebugRange, count: number): number {
  if (partition === undefined && key !== undefined) return partitionForKey(Buffer.from(key), count)
  if (partition === undefined && count > 1)
    throw invalid(`${topic} has ${count} partitions: name a key, or one of 0 to ${count - 1}`)
  if (!isWithin(partition ?? 0, 0, count - 1)) throw invalid(`${topic} has no partition ${partition}`)
  return partition ?? 0
}

function fromOf({ from }: DebugRange, start: Offset, end: Offset): Offset {
  if (from === undefined) return start
  return from < 0 ? Math.max(start, end + from) : from
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}

function invalid(message: string): Error {
  return fail('DEBUG_RANGE_INVALID', message)
}
