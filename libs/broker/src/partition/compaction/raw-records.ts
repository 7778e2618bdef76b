import { BufferReader, BufferWriter } from '@keyfold/bytes'

/** A record of a batch's payload, with its bytes as they are. */
export interface RawRecord {
  /** With its length in front. */
  readonly bytes: Buffer
  readonly timestampDelta: number
  readonly key: Buffer | null
  readonly isTombstone: boolean
  readonly offsetDelta: number
  /** Attributes, and what follows the timestamp. */
  readonly attributes: number
  readonly rest: Buffer
}

/** The records of a decompressed payload. Throws MalformedBytes. */
export function* rawRecords(payload: Buffer, count: number): Generator<RawRecord> {
  const reader = new BufferReader(payload)
  for (let left = count; left > 0; left--) {
    const start = reader.position
    const length = reader.readVarint()
    const end = reader.position + length
    const attributes = reader.readInt8()
    const timestampDelta = reader.readVarlong()
    const restStart = reader.position
    const offsetDelta = reader.readVarint()
    const keyLength = reader.readVarint()
    const key = keyLength < 0 ? null : reader.readBytes(keyLength)
    const isTombstone = reader.readVarint() < 0
    reader.position = end
    const [bytes, rest] = [payload.subarray(start, end), payload.subarray(restStart, end)]
    yield { bytes, timestampDelta, key, isTombstone, offsetDelta, attributes, rest }
  }
}

/** The record with another timestamp delta. */
export function withTimestampDelta({ attributes, rest }: RawRecord, timestampDelta: number): Buffer {
  const body = new BufferWriter(rest.length + 16)
  body.writeInt8(attributes)
  body.writeVarlong(timestampDelta)
  body.writeBytes(rest)
  const writer = new BufferWriter(body.length + 8)
  writer.writeVarint(body.length)
  writer.writeBytes(body.toBuffer())
  return writer.toBuffer()
}
