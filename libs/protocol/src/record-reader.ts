import { BufferReader, BufferUnderflow, MalformedBytes } from '@keyfold/bytes'
import { type Compressor, type Compressors, compressorFor } from './compression.ts'
import { readBatchHeader, type RecordBatchHeader, recordBatchHeaderBytes } from './record-batch-header.ts'

/** One record as a consumer sees it. Byte fields are views of the batch, or of its decompressed payload. */
export interface KafkaRecord {
  readonly offset: number
  /** Milliseconds since 1970: the producer's, or the broker's under LogAppendTime; -1 for none. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}

export interface ReadRecordsOptions {
  readonly compressors?: Compressors
  /** The most bytes that a compressed payload may grow to. */
  readonly decompressedBytesMax?: number
}

const decompressedBytesMaxDefault = 16 * 1024 * 1024
/** Length, attributes, two deltas, two lengths and a count: one byte each at least. */
const recordBytesMin = 7

/**
 * The records of the batch at `at`, one by one as they are asked for; the CRC is not checked here.
 * Throws MalformedBytes when the records do not follow their layout or do not match the header's count, and
 * UnsupportedCompression when the compressor is missing.
 */
export function* readRecords(
  bytes: Buffer,
  at = 0,
  options: ReadRecordsOptions = {},
): Generator<KafkaRecord, void, undefined> {
  const header = readBatchHeader(bytes, at)
  const { recordCount, sizeInBytes } = header
  if (sizeInBytes > bytes.length - at) throw new BufferUnderflow(at, sizeInBytes, bytes.length - at)
  const reader = payloadReader(bytes, at, header, options)
  if (recordCount < 0 || recordCount * recordBytesMin > reader.remaining) {
    throw new MalformedBytes('INVALID_RECORD_BATCH', at, `${recordCount} records in ${reader.remaining} bytes`)
  }
  for (let left = recordCount; left > 0; left--) yield readRecord(reader, header)
  if (reader.remaining > 0) {
    throw new MalformedBytes(
      'INVALID_RECORD_BATCH',
      reader.position,
      `${reader.remaining} bytes behind the last record`,
    )
  }
}

function payloadReader(
  bytes: Buffer,
  at: number,
  header: RecordBatchHeader,
  { compressors = {}, decompressedBytesMax = decompressedBytesMaxDefault }: ReadRecordsOptions,
): BufferReader {
  const compressor = compressorFor(header.compression, compressors)
  const start = at + recordBatchHeaderBytes
  const end = at + header.sizeInBytes
  if (compressor === undefined) return new BufferReader(bytes, start, end)
  return new BufferReader(decompress(compressor, bytes.subarray(start, end), decompressedBytesMax))
}

/** A payload that does not decompress, or to too much, is malformed input like any other. */
function decompress(compressor: Compressor, payload: Buffer, bytesMax: number): Buffer {
  let decompressed: Buffer
  try {
    decompressed = compressor.decompress(payload, bytesMax)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MalformedBytes(
      'INVALID_RECORD_BATCH',
      recordBatchHeaderBytes,
      `records that do not decompress: ${reason}`,
    )
  }
  if (decompressed.length > bytesMax) {
    throw new MalformedBytes('INVALID_RECORD_BATCH', recordBatchHeaderBytes, `more than ${bytesMax} decompressed bytes`)
  }
  return decompressed
}

function readRecord(reader: BufferReader, header: RecordBatchHeader): KafkaRecord {
  const length = reader.readVarint()
  const end = reader.skip(length) + length
  reader.position = end - length
  reader.readInt8() // attributes: none are defined
  const timestampDelta = reader.readVarlong()
  const offset = header.baseOffset + reader.readVarint()
  const key = readVarintBytes(reader)
  const value = readVarintBytes(reader)
  const headers = readHeaders(reader)
  if (reader.position !== end) {
    throw new MalformedBytes('INVALID_RECORD_BATCH', reader.position, `a record that should end at byte ${end}`)
  }
  const timestamp = header.timestampType === 1 ? header.maxTimestamp : header.baseTimestamp + timestampDelta
  return { offset, timestamp, key, value, headers }
}

function readHeaders(reader: BufferReader): KafkaRecord['headers'] {
  const count = reader.readVarint()
  // A header is at least two lengths of one byte.
  if (count < 0 || count * 2 > reader.remaining) {
    throw new MalformedBytes('INVALID_RECORD_BATCH', reader.position, `${count} headers in ${reader.remaining} bytes`)
  }
  if (count === 0) return noHeaders
  return Array.from({ length: count }, () => {
    const key = readVarintBytes(reader)
    if (key === null) throw new MalformedBytes('UNEXPECTED_NULL', reader.position, 'a record header without a key')
    return { key: key.toString('utf8'), value: readVarintBytes(reader) }
  })
}

const noHeaders: KafkaRecord['headers'] = Object.freeze([])

/** Zigzag varint length, -1 for null, then the bytes. */
function readVarintBytes(reader: BufferReader): Buffer | null {
  const length = reader.readVarint()
  return length === -1 ? null : reader.readBytes(length)
}
