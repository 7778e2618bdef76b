import { BufferWriter } from '@keyfold/bytes'
import { compressionCodecs, type CompressionName, type Compressors, compressorFor } from './compression.ts'
import { checksum, putInt64 } from './record-batch-edit.ts'
import {
  batchAttributes,
  headerLayout,
  recordBatchHeaderBytes,
  recordBatchOverheadBytes,
} from './record-batch-header.ts'

/** A record to be put into a batch. */
export interface RecordInput {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** Milliseconds since 1970; without it the batch's `timestamp`. */
  readonly timestamp?: number
  readonly headers?: readonly RecordHeader[]
}

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

/** A batch to be built; what is left out is what a plain producer sends. */
export interface RecordBatchInput {
  readonly records: readonly RecordInput[]
  /** Default of the records' timestamps, -1 (none) unless given. */
  readonly timestamp?: number
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  readonly compression?: CompressionName
  /** Needed for any compression but none. */
  readonly compressors?: Compressors
}

/** Builds a record batch v2 with its CRC. Throws UnsupportedCompression and UnencodableValue. */
export function buildRecordBatch(batch: RecordBatchInput): Buffer {
  const { records, timestamp = -1, compression = 'none' } = batch
  const timestamps = records.map((record) => record.timestamp ?? timestamp)
  const baseTimestamp = timestamps[0] ?? timestamp
  const writer = new BufferWriter()
  for (const [index, record] of records.entries()) {
    writeRecord(writer, record, {
      offsetDelta: index,
      timestampDelta: (timestamps[index] ?? timestamp) - baseTimestamp,
    })
  }
  const codec = compressionCodecs[compression]
  const payload = compressorFor(codec, batch.compressors ?? {})?.compress(writer.toBuffer()) ?? writer.toBuffer()
  const bytes = Buffer.concat([Buffer.alloc(recordBatchHeaderBytes), payload])
  const attributes =
    codec |
    (batch.isTransactional === true ? batchAttributes.transactional : 0) |
    (batch.isControl === true ? batchAttributes.control : 0)

  putInt64(bytes, headerLayout.baseOffset, batch.baseOffset ?? 0)
  bytes.writeInt32BE(bytes.length - recordBatchOverheadBytes, headerLayout.batchLength)
  bytes.writeInt32BE(batch.partitionLeaderEpoch ?? -1, headerLayout.partitionLeaderEpoch)
  bytes.writeInt8(2, headerLayout.magic)
  bytes.writeInt16BE(attributes, headerLayout.attributes)
  bytes.writeInt32BE(records.length - 1, headerLayout.lastOffsetDelta)
  putInt64(bytes, headerLayout.baseTimestamp, baseTimestamp)
  putInt64(
    bytes,
    headerLayout.maxTimestamp,
    timestamps.reduce((max, time) => Math.max(max, time), baseTimestamp),
  )
  putInt64(bytes, headerLayout.producerId, batch.producerId ?? -1)
  bytes.writeInt16BE(batch.producerEpoch ?? -1, headerLayout.producerEpoch)
  bytes.writeInt32BE(batch.baseSequence ?? -1, headerLayout.baseSequence)
  bytes.writeInt32BE(records.length, headerLayout.recordCount)
  bytes.writeUInt32BE(checksum(bytes, 0, bytes.length), headerLayout.crc)
  return bytes
}

function writeRecord(
  writer: BufferWriter,
  record: RecordInput,
  { offsetDelta, timestampDelta }: { readonly offsetDelta: number; readonly timestampDelta: number },
): void {
  const body = new BufferWriter(128)
  body.writeInt8(0) // attributes: none are defined
  body.writeVarlong(timestampDelta)
  body.writeVarint(offsetDelta)
  writeVarintBytes(body, record.key)
  writeVarintBytes(body, record.value)
  const headers = record.headers ?? []
  body.writeVarint(headers.length)
  for (const { key, value } of headers) {
    writeVarintBytes(body, Buffer.from(key))
    writeVarintBytes(body, value)
  }
  const bytes = body.toBuffer()
  writer.writeVarint(bytes.length)
  writer.writeBytes(bytes)
}

/** Zigzag varint length, -1 for null, then the bytes. */
function writeVarintBytes(writer: BufferWriter, bytes: Uint8Array | null): void {
  writer.writeVarint(bytes === null ? -1 : bytes.length)
  if (bytes !== null) writer.writeBytes(bytes)
}
