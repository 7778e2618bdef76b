import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { crc32c } from '@keyfold/bytes'
import {
  batchAttributes,
  batchHeaders,
  buildRecordBatch,
  type Compressors,
  readRecords,
  recordBatchLayout as layout,
} from '@keyfold/protocol'
import type { BatchFlaw, BatchSpec } from './operation.ts'

const compressors: Compressors = {
  gzip: { compress: (bytes) => gzipSync(bytes), decompress: (bytes) => gunzipSync(bytes) },
  zstd: { compress: (bytes) => zstdCompressSync(bytes), decompress: (bytes) => zstdDecompressSync(bytes) },
}

export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

export function encodeBatch(spec: BatchSpec, producer: ProducerIdentity | undefined): Buffer {
  const bytes = buildRecordBatch({
    records: spec.records.map(({ key, value, timestamp, headers = [] }) => ({
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(spec.flaw === 'huge' ? value.padEnd(1_100_000, '.') : value),
      timestamp,
      headers: headers.map((name) => ({ key: name, value: Buffer.from(`${name} of ${value}`) })),
    })),
    ...(producer && { producerId: producer.producerId, producerEpoch: producer.producerEpoch + (spec.epochPlus ?? 0) }),
    baseSequence: spec.baseSequence ?? -1,
    isTransactional: spec.isTransactional ?? false,
    compression: spec.compression ?? 'none',
    compressors,
  })
  return spec.flaw === undefined ? bytes : flawed(bytes, spec.flaw)
}

/** The checksum is put right again where it is not itself the flaw: only the flaw is to be refused. */
function flawed(bytes: Buffer, flaw: BatchFlaw): Buffer {
  const attribute = (bits: number) => bytes.writeInt16BE(bytes.readInt16BE(layout.attributes) | bits, layout.attributes)
  switch (flaw) {
    case 'crc':
      bytes.writeUInt32BE((bytes.readUInt32BE(layout.crc) ^ 1) >>> 0, layout.crc)
      return bytes
    case 'magic 0':
    case 'magic 1':
      bytes.writeInt8(Number(flaw.slice(-1)), layout.magic)
      return bytes
    case 'base offset':
      bytes.writeBigInt64BE(5n, layout.baseOffset)
      return bytes
    case 'batch length':
      bytes.writeInt32BE(7, layout.batchLength)
      return bytes
    case 'cut':
      return bytes.subarray(0, bytes.length - 3)
    case 'control':
      attribute(batchAttributes.control)
      break
    case 'log append time':
      attribute(batchAttributes.logAppendTime)
      break
    case 'compression 5':
      attribute(5)
      break
    case 'count':
      bytes.writeInt32BE(bytes.readInt32BE(layout.recordCount) + 1, layout.recordCount)
      break
    case 'negative count':
      bytes.writeInt32BE(-1, layout.recordCount)
      break
    case 'last offset delta':
      bytes.writeInt32BE(bytes.readInt32BE(layout.lastOffsetDelta) + 2, layout.lastOffsetDelta)
      break
    case 'no sequence':
      bytes.writeBigInt64BE(1_000_000n, layout.producerId)
      bytes.writeInt16BE(0, layout.producerEpoch)
      bytes.writeInt32BE(-1, layout.baseSequence)
      break
    case 'garbage payload':
      bytes.fill(0xff, layout.recordCount + 4)
      break
    case 'huge':
      break
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(layout.attributes)) >>> 0, layout.crc)
  return bytes
}

/** Whole batches of a Fetch answer, as values that can be compared. A batch cut off at the end is not an answer yet. */
export function decodeBatches(bytes: Buffer): unknown[] {
  return [...batchHeaders(bytes)].map(({ at, header }) => ({
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    attributes: header.attributes,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    maxTimestamp: header.maxTimestamp,
    records: [...readRecords(bytes, at, { compressors })].map((record) => ({
      offset: record.offset,
      timestamp: record.timestamp,
      key: header.isControl ? record.key?.toString('hex') : text(record.key),
      value: header.isControl ? markerValue(record.value) : text(record.value),
      headers: record.headers.map(({ key, value }) => `${key}: ${text(value)}`),
    })),
  }))
}

/** The value of a transaction marker, and the one epoch in it by its name. */
function markerValue(value: Buffer | null): unknown {
  if (value === null || value.length < 6) return value?.toString('hex')
  const version = value.toString('hex', 0, 2)
  return { version, coordinatorEpoch: value.readInt32BE(2), rest: value.toString('hex', 6) }
}

/** Long values by their beginning and length: differences have to be readable. */
function text(bytes: Buffer | null): string | null {
  if (bytes === null) return null
  return bytes.length > 60 ? `${bytes.toString('latin1', 0, 20)}… ${bytes.length} bytes` : bytes.toString('latin1')
}
