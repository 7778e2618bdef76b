import { BufferReader, BufferUnderflow, MalformedBytes } from '@keyfold/bytes'
import { type Compressor, type Compressors, compressorFor, UnsupportedCompression } from './compression.ts'
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
  const { recordCount } = header
  const reader = new BufferReader(batchPayload(bytes, at, options))
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

/**
 * The records of the batch at `at` as bytes, decompressed: a view of the batch if they are not compressed.
 * Throws MalformedBytes for what does not decompress within the limit, and UnsupportedCompression.
 */
export function batchPayload(bytes: Buffer, at = 0, options: ReadRecordsOptions = {}): Buffer {
  const { compressors = {}, decompressedBytesMax = decompressedBytesMaxDefault } = options
  const { compression, sizeInBytes } = readBatchHeader(bytes, at)
  if (sizeInBytes > bytes.length - at) throw new BufferUnderflow(at, sizeInBytes, bytes.length - at)
  const payload = bytes.subarray(at + recordBatchHeaderBytes, at + sizeInBytes)
  const compressor = compressorFor(compression, compressors)
  return compressor === undefined ? payload : decompress(compressor, payload, decompressedBytesMax)
}

/** A payload that does not decompress, or to too much, is malformed input like any other. */
function decompress(compressor: Compressor, payload: Buffer, bytesMax: number): Buffer {
  let decompressed: Buffer
  try {
    decompressed = compressor.decompress(payload, bytesMax)
  } catch (cause) {
    if (cause instanceof UnsupportedCompression) throw cause
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
