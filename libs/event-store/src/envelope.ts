import type { DomainEvent } from '@keyfold/eventsourcing'
import type { RecordToWrite, StoredRecord } from '@keyfold/kafka'
import { fail } from './errors.ts'
import type { EncodedEvent, EventCodec, WrittenSchema } from './event-codec.ts'
import { extensionHeader, type Extensions } from './extensions.ts'

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
  /** The aggregate that the command was for, and its version after the command: only when it led to events of others, too. */
  commandKey: 'keyfold-command-key',
  commandVersion: 'keyfold-command-version',
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
  /** The command's aggregate and its version after the command, for a command about several. */
  readonly commandTarget: { readonly key: string; readonly version: number } | undefined
  readonly batchId: string
  readonly ownerEpoch: number
  readonly correlationId: string | undefined
  readonly causationId: string | undefined
  readonly extensions: Extensions
}

/** Where and how an event is stored: what upcasters do not change. */
interface StoredPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** The aggregate's id. */
  readonly key: string
  /** The version of the event's schema that it was written with; undefined when this code does not know it. */
  readonly schemaVersion: number | undefined
  /** The schema that it was written with; `name` is what the event was called then. */
  readonly schema: WrittenSchema & { readonly subject: string }
  /** The aggregate's version after the event: as it was stored, whatever upcasters make of it. */
  readonly aggregateVersion: number
  readonly commandId: string
  readonly time: Date
  readonly headers: Readonly<Record<string, string>>
}

/** An event as it is stored, with what the code of today reads in it. */
export interface StoredEvent extends StoredPlace {
  /** The Avro full name. */
  readonly type: string
  /** Place among the events that one record became: 0 unless an upcaster split it. */
  readonly subIndex: number
  readonly data: unknown
}

/** A stored record and the events it is to the code of today: one nearly always. */
export interface DecodedRecord extends StoredPlace {
  readonly events: readonly DomainEvent[]
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
      ...extensionHeaders(facts.extensions),
      [HEADERS.version]: String(facts.version),
      [HEADERS.commandId]: facts.commandId,
      [HEADERS.commandFingerprint]: facts.commandFingerprint,
      [HEADERS.commandIndex]: String(facts.commandIndex),
      [HEADERS.commandSize]: String(facts.commandSize),
      ...(facts.commandTarget === undefined
        ? {}
        : {
            [HEADERS.commandKey]: facts.commandTarget.key,
            [HEADERS.commandVersion]: String(facts.commandTarget.version),
          }),
      [HEADERS.batchId]: facts.batchId,
      [HEADERS.schemaVersion]: String(encoded.schemaVersion),
      [HEADERS.ownerEpoch]: String(facts.ownerEpoch),
    },
  }
}

function extensionHeaders(extensions: Extensions): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name in extensions) headers[extensionHeader(name)] = extensions[name] ?? ''
  return headers
}

/**
 * The events that a stored record is to the code of today, one nearly always. Its value must have been prepared with the
 * codec. Errors: `ENVELOPE_UNREADABLE`, `EVENT_UNKNOWN`, `VALUE_UNREADABLE`, `SCHEMA_UNKNOWN`, `UPCASTER_FAILED`.
 */
export function decodeStoredEvents(record: StoredRecord, codec: EventCodec): readonly StoredEvent[] {
  const { events, ...place } = decodeRecord(record, codec)
  return events.map(({ type, data }, subIndex) => ({ ...place, type, subIndex, data }))
}

/** The same, also when upcasters leave nothing of it. */
export function decodeRecord(record: StoredRecord, codec: EventCodec): DecodedRecord {
  const { topic, partition, offset, key, value } = record
  if (key === null || value === null) throw unreadable(record, 'it has no key or no value')
  const headers = textHeaders(record)
  const { schema, events } = codec.decode(value)
  return {
    topic,
    partition,
    offset,
    key: key.toString(),
    schemaVersion: schema.version,
    schema: { subject: `${topic}-${schema.name}`, ...schema },
    aggregateVersion: numberHeader(record, headers, HEADERS.version),
    commandId: headers[HEADERS.commandId] ?? '',
    time: timeOf(record, headers),
    headers,
    events,
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
