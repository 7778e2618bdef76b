import { AvroError } from '../errors.ts'

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
    throw new AvroError('AVRO_WIRE_FORMAT', `The record does not start with 00 and a schema id, but with ${start}`, {
      fix: 'Check that its producer writes Avro with a schema registry.',
    })
  }
  return { schemaId: bytes.readInt32BE(1), bodyOffset: HEADER_LENGTH }
}

const MAGIC = 0
const HEADER_LENGTH = 5
