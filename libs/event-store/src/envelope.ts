import type { RecordToWrite, StoredRecord } from '@keyfold/kafka'
import { fail } from './errors.ts'
import type { EncodedEvent, EventCodec } from './event-codec.ts'

/** The record headers of an event: CloudEvents 1.0 in Kafka's binary mode, and what the framework itself needs. */
export const HEADERS = {
  specVersion: 'ce_specversion',
  id: 'ce_id',
  type: 'ce_type',
  source: 'ce_source',
  time: 'ce_time',
  subject: 'ce_subject',
  correlationId: 'ce_correlationid',
  causationId: 'ce_causationid',
  contentType: 'content-type',
  /** The aggregate's version after the event: 1, 2, 3 … without gaps per key. */
  version: 'keyfold-version',
  commandId: 'keyfold-command-id',
  /** A hash of the command's name and payload: tells a repeat from a reused id. */
  commandFingerprint: 'keyfold-command-fingerprint',
  /** The event's place among the command's events, from 0. */
  commandIndex: 'keyfold-command-index',
  /** How many events the command has. */
  commandSize: 'keyfold-command-size',
  /** The transaction that it was committed in. */
  batchId: 'keyfold-batch-id',
  schemaVersion: 'keyfold-schema-version',
  /** The number of the claim under which it was written; never goes down within a partition. */
  ownerEpoch: 'keyfold-owner-epoch',
} as const

/** What one event's envelope says besides the event itself. */
export interface EnvelopeFacts {
  readonly source: string
  readonly key: string
  readonly type: string
  readonly time: Date
  readonly eventId: string
  readonly version: number
  readonly commandId: string
  readonly commandFingerprint: string
  readonly commandIndex: number
  readonly commandSize: number
  readonly batchId: string
  readonly ownerEpoch: number
  readonly correlationId: string | undefined
  readonly causationId: string | undefined
}

/** An event as it is stored. */
export interface StoredEvent {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** The aggregate's id. */
  readonly key: string
  /** The Avro full name. */
  readonly type: string
  /** The version of the event's schema that it was written with; undefined when this code does not know it. */
  readonly schemaVersion: number | undefined
  /** The aggregate's version after the event. */
  readonly aggregateVersion: number
  readonly commandId: string
  readonly time: Date
  readonly headers: Readonly<Record<string, string>>
  readonly data: unknown
}

export function encodeEnvelope(facts: EnvelopeFacts, encoded: EncodedEvent): RecordToWrite {
  return {
    key: Buffer.from(facts.key),
    value: encoded.value,
    timestampMs: facts.time.getTime(),
    headers: {
      [HEADERS.specVersion]: '1.0',
      [HEADERS.id]: facts.eventId,
      [HEADERS.type]: facts.type,
      [HEADERS.source]: facts.source,
      [HEADERS.time]: facts.time.toISOString(),
      [HEADERS.subject]: facts.key,
      [HEADERS.contentType]: 'application/avro',
      ...(facts.correlationId === undefined ? {} : { [HEADERS.correlationId]: facts.correlationId }),
      ...(facts.causationId === undefined ? {} : { [HEADERS.causationId]: facts.causationId }),
      [HEADERS.version]: String(facts.version),
      [HEADERS.commandId]: facts.commandId,
      [HEADERS.commandFingerprint]: facts.commandFingerprint,
      [HEADERS.commandIndex]: String(facts.commandIndex),
      [HEADERS.commandSize]: String(facts.commandSize),
      [HEADERS.batchId]: facts.batchId,
      [HEADERS.schemaVersion]: String(encoded.schemaVersion),
      [HEADERS.ownerEpoch]: String(facts.ownerEpoch),
    },
  }
}

/**
 * A stored record as the event it holds. Its value must have been prepared with the codec.
 * Errors: `ENVELOPE_UNREADABLE`, `EVENT_UNKNOWN`, `VALUE_UNREADABLE`, `SCHEMA_UNKNOWN`.
 */
export function decodeStoredEvent(record: StoredRecord, codec: EventCodec): StoredEvent {
  const { topic, partition, offset, key, value } = record
  if (key === null || value === null) throw unreadable(record, 'it has no key or no value')
  const headers = textHeaders(record)
  const { type, schemaVersion, data } = codec.decode(value)
  return {
    topic,
    partition,
    offset,
    key: key.toString(),
    type,
    schemaVersion,
    aggregateVersion: numberHeader(record, headers, HEADERS.version),
    commandId: headers[HEADERS.commandId] ?? '',
    time: timeOf(record, headers),
    headers,
    data,
  }
}

/** The whole number in a header. Errors: `ENVELOPE_UNREADABLE`. */
export function numberHeader(record: StoredRecord, headers: Readonly<Record<string, string>>, name: string): number {
  const value = Number(headers[name])
  if (headers[name] === undefined || !Number.isSafeInteger(value))
    throw unreadable(record, `its header ${name} is missing`)
  return value
}

/** The time of the decision. The record's own may be the broker's, where a topic is set up so. */
function timeOf({ timestampMs }: StoredRecord, headers: Readonly<Record<string, string>>): Date {
  const time = new Date(headers[HEADERS.time] ?? Number.NaN)
  return Number.isNaN(time.getTime()) ? new Date(timestampMs) : time
}

function textHeaders(record: StoredRecord): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name in record.headers) headers[name] = record.headers[name]?.toString() ?? ''
  return headers
}

function unreadable({ topic, partition, offset }: StoredRecord, why: string): Error {
  return fail('ENVELOPE_UNREADABLE', `the record at ${topic}/${partition}/${offset} is no event: ${why}`, {
    details: { topic, partition, offset },
  })
}
