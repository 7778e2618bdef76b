import type { StoredRecord } from '@keyfold/kafka'
import { decodePayload, type Payload } from '../avro/decode-payload.ts'
import type { RegisteredSchemas } from '../avro/registered-schemas.ts'
import { jsonText } from '../json-text.ts'
import { anything, mapOf, objectOf, oneOf, text, whole } from '../json-schema.ts'

/** A record as programs get it, one on each line with `-o ndjson`; `keyfold produce -i ndjson` takes the same. */
export interface RecordView {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** ISO text. */
  readonly timestamp: string
  readonly key: unknown
  readonly keyEncoding: Payload['encoding']
  readonly value: unknown
  readonly valueEncoding: Payload['encoding']
  readonly headers: Readonly<Record<string, string>>
  readonly keySchemaId?: number
  readonly valueSchemaId?: number
  /** Why key or value are shown as base64 although they look like Avro. */
  readonly undecoded?: string
}

const encodings = oneOf('none', 'avro', 'text', 'base64')

export const recordSchema = objectOf({
  topic: text,
  partition: whole,
  offset: whole,
  timestamp: text,
  key: anything,
  keyEncoding: encodings,
  value: anything,
  valueEncoding: encodings,
  headers: mapOf(text),
  'keySchemaId?': whole,
  'valueSchemaId?': whole,
  'undecoded?': text,
})

export async function recordView(record: StoredRecord, schemas: RegisteredSchemas): Promise<RecordView> {
  const key = await decodePayload(record.key, schemas)
  const value = await decodePayload(record.value, schemas)
  const undecoded = value.reason ?? key.reason
  return {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: isoTime(record.timestampMs),
    key: key.content,
    keyEncoding: key.encoding,
    value: value.content,
    valueEncoding: value.encoding,
    headers: Object.fromEntries(Object.entries(record.headers).map(([name, bytes]) => [name, bytes.toString('utf8')])),
    ...(key.schemaId === undefined ? {} : { keySchemaId: key.schemaId }),
    ...(value.schemaId === undefined ? {} : { valueSchemaId: value.schemaId }),
    ...(undecoded === undefined ? {} : { undecoded }),
  }
}

/** For people: a tombstone is said in words, anything that is not text is JSON. */
export function contentText(content: unknown): string {
  if (content === null) return 'null'
  return typeof content === 'string' ? content : jsonText(content)
}

/** Timestamps come from producers: they can be anything, or missing (-1). */
function isoTime(timestampMs: number): string {
  const date = new Date(timestampMs)
  return timestampMs < 0 || Number.isNaN(date.getTime()) ? '' : date.toISOString()
}
