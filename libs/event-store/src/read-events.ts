import { type KafkaClient, partitionForKey } from '@keyfold/kafka'
import { decodeStoredEvents, type StoredEvent } from './envelope.ts'
import { fail } from './errors.ts'
import type { EventCodec } from './event-codec.ts'
import { readPartition } from './writer/read-partition.ts'

export interface ReadEventsOptions {
  readonly topic: string
  /** Left out: that of the key, or all of them. */
  readonly partition?: number
  /** Read forward from here; needs a partition or a key. Left out: the newest events. */
  readonly fromOffset?: number
  /** Only this aggregate's events. */
  readonly key?: string
  /** The aggregate's, when its events do not lie in the partition of their own key. */
  readonly partitionKey?: ((key: string) => string) | undefined
  /** At most this many events, up to 10,000; a record that became several is not cut apart. Default 100. */
  readonly limit?: number
}

const limitMax = 10_000

/**
 * Events as they are stored, oldest first: for showing and debugging, not for projections.
 * Errors: those of the Kafka client, of the codec and of `decodeStoredEvents`.
 */
export async function readEvents(
  kafka: KafkaClient,
  codec: EventCodec,
  options: ReadEventsOptions,
): Promise<readonly StoredEvent[]> {
  const { topic, fromOffset, key, partitionKey = (own: string) => own } = options
  const limit = Math.min(options.limit ?? 100, limitMax)
  const [starts, ends] = await Promise.all([kafka.startOffsets(topic), kafka.endOffsets(topic, 'committed')])
  const ofKey = key === undefined ? undefined : partitionForKey(Buffer.from(partitionKey(key)), ends.length)
  const chosen = options.partition ?? ofKey
  if (fromOffset !== undefined && chosen === undefined && ends.length > 1)
    throw new TypeError('fromOffset needs a partition or a key')
  const partitions = chosen === undefined ? [...ends.keys()] : [chosen]
  const read = await Promise.all(
    partitions.map((partition) => {
      const [start, end] = [starts[partition], ends[partition]]
      if (start === undefined || end === undefined)
        throw fail('TOPIC_MISMATCH', `topic ${topic} has no partition ${partition}`)
      const span = { topic, partition, key, limit, start, end }
      return fromOffset === undefined
        ? readNewest(kafka, codec, span)
        : readSpan(kafka, codec, span, Math.max(start, fromOffset))
    }),
  )
  const events = read.flat()
  if (fromOffset !== undefined) return events
  return events.toSorted((a, b) => a.time.getTime() - b.time.getTime() || a.offset - b.offset).slice(-limit)
}

interface Span {
  readonly topic: string
  readonly partition: number
  readonly key: string | undefined
  readonly limit: number
  readonly start: number
  readonly end: number
}

/** Goes back twice as far until there are enough: markers and other keys take offsets, too. */
async function readNewest(kafka: KafkaClient, codec: EventCodec, span: Span): Promise<readonly StoredEvent[]> {
  for (let back = span.limit * 2; ; back *= 4) {
    const from = Math.max(span.start, span.end - back)
    const events = await readSpan(kafka, codec, { ...span, limit: Number.POSITIVE_INFINITY }, from)
    if (events.length >= span.limit || from === span.start) return events.slice(-span.limit)
  }
}

async function readSpan(
  kafka: KafkaClient,
  codec: EventCodec,
  span: Span,
  from: number,
): Promise<readonly StoredEvent[]> {
  const { topic, partition, key, limit, end } = span
  const events: StoredEvent[] = []
  for await (const records of readPartition(kafka, { topic, partition, fromOffset: from, endOffset: end })) {
    const wanted = key === undefined ? records : records.filter((record) => record.key?.toString() === key)
    await codec.prepare(wanted.flatMap(({ value }) => value ?? []))
    for (const record of wanted) {
      if (events.length >= limit) return events
      events.push(...decodeStoredEvents(record, codec))
    }
    if (events.length >= limit) return events
  }
  return events
}
