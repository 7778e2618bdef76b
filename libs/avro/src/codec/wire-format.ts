import { AvroError } from '../errors.ts'
import { uuidText } from '../md5.ts'

/** Confluent's framing of a record: a zero byte, the schema's id as int32 big-endian, the Avro body. */
export function encodeWire(schemaId: number, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_LENGTH + body.length)
  bytes[0] = MAGIC
  bytes.writeInt32BE(schemaId, 1)
  body.copy(bytes, HEADER_LENGTH)
  return bytes
}

export interface WireHeader {
  readonly schemaId: number
  /** Where the Avro body starts. */
  readonly bodyOffset: number
}

/** Reads the header without copying the body. Throws `AVRO_WIRE_FORMAT`. */
export function decodeWire(bytes: Buffer): WireHeader {
  if (bytes.length < HEADER_LENGTH || bytes[0] !== MAGIC) {
    const start = bytes.subarray(0, HEADER_LENGTH).toString('hex') || 'nothing'
    throw wireFormat(`The record does not start with 00 and a schema id, but with ${start}`)
  }
  // `readInt32BE` looks at its arguments first, which is a tenth of the time that a small record takes.
  const schemaId = (at(bytes, 1) << 24) | (at(bytes, 2) << 16) | (at(bytes, 3) << 8) | at(bytes, 4)
  return { schemaId, bodyOffset: HEADER_LENGTH }
}

function at(bytes: Buffer, index: number): number {
  return bytes[index] ?? 0
}

/** Which schema a value was written with: by an id or a guid, before it or in a header of its record. */
export type WriterSchemaKey =
  | { readonly schemaId: number; readonly bodyOffset: number }
  | { readonly guid: string; readonly bodyOffset: number }

/** Names of the record headers that Confluent's serializers of 8.x write in place of the prefix. */
export const GUID_HEADERS = { key: '__key_schema_id', value: '__value_schema_id' } as const

/**
 * Tells which schema a value was written with. `header` is that of `GUID_HEADERS`, if the record has it: 01 and the 16
 * bytes of the guid, or 00 and an id; the value is the bare body then. It is looked at before the prefix, as Confluent's
 * deserializers do. Throws `AVRO_WIRE_FORMAT`.
 */
export function writerSchemaOf(value: Buffer, header?: Buffer): WriterSchemaKey {
  if (header === undefined) {
    const isGuid = value[0] === GUID_MAGIC && value.length >= GUID_LENGTH
    return isGuid ? { guid: uuidText(value.subarray(1, GUID_LENGTH)), bodyOffset: GUID_LENGTH } : decodeWire(value)
  }
  if (header[0] === GUID_MAGIC && header.length === GUID_LENGTH)
    return { guid: uuidText(header.subarray(1)), bodyOffset: 0 }
  if (header[0] === MAGIC && header.length === HEADER_LENGTH) return { schemaId: header.readInt32BE(1), bodyOffset: 0 }
  throw wireFormat(
    `The header is neither 01 and a guid nor 00 and a schema id: ${header.subarray(0, 20).toString('hex')}`,
  )
}

/** The header for `GUID_HEADERS` that names a schema by its guid. */
export function guidHeader(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex')
  if (bytes.length !== 16) throw wireFormat(`${guid} is no guid`)
  return Buffer.concat([Buffer.of(GUID_MAGIC), bytes])
}

function wireFormat(message: string): AvroError {
  return new AvroError('AVRO_WIRE_FORMAT', message, {
    fix: 'Check that its producer writes Avro with a schema registry.',
  })
}

const MAGIC = 0
const GUID_MAGIC = 1
const HEADER_LENGTH = 5
const GUID_LENGTH = 17
