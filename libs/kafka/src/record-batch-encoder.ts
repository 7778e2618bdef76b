import { BufferWriter, crc32c } from '@keyfold/bytes'
import type { RecordToWrite } from './kafka-client.ts'

export interface BatchProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

const transactionalBit = 0x10
/** Of the fields before the length's end, and before the checksum's. */
const lengthEnd = 12
const checksumAt = 17
const summedFrom = 21

/** Batches are written one after another and copied out, so one writer serves them all. */
const writer = new BufferWriter(65_536)

/** One transactional record batch of format 2, uncompressed (KIP-98, "RecordBatch"). */
export function encodeRecordBatch(records: readonly RecordToWrite[], producer: BatchProducer, nowMs: number): Buffer {
  const baseTimestamp = records[0]?.timestampMs ?? nowMs
  let maxTimestamp = baseTimestamp
  for (const { timestampMs = nowMs } of records) if (timestampMs > maxTimestamp) maxTimestamp = timestampMs
  writer.reset()
  writer.writeInt64(0)
  writer.reserveInt32()
  writer.writeInt32(-1)
  writer.writeInt8(2)
  writer.reserveInt32()
  writer.writeInt16(transactionalBit)
  writer.writeInt32(records.length - 1)
  writer.writeInt64(baseTimestamp)
  writer.writeInt64(maxTimestamp)
  writer.writeInt64(producer.producerId)
  writer.writeInt16(producer.producerEpoch)
  writer.writeInt32(producer.baseSequence)
  writer.writeInt32(records.length)
  let index = 0
  for (const record of records) writeRecord(record, (record.timestampMs ?? nowMs) - baseTimestamp, index++)
  writer.patchInt32(lengthEnd - 4, writer.length - lengthEnd)
  const batch = writer.toBuffer()
  batch.writeUInt32BE(crc32c(batch.subarray(summedFrom)), checksumAt)
  return batch
}

function writeRecord(record: RecordToWrite, timestampDelta: number, index: number): void {
  const start = writer.reserveVarintLength()
  writer.writeInt8(0)
  writer.writeVarlong(timestampDelta)
  writer.writeVarint(index)
  writer.writeVarintNullableBytes(record.key)
  writer.writeVarintNullableBytes(record.value)
  const { headers = {} } = record
  const names = Object.keys(headers)
  writer.writeVarint(names.length)
  for (const name of names) {
    const value = headers[name] ?? ''
    writer.writeVarintString(name)
    if (typeof value === 'string') writer.writeVarintString(value)
    else writer.writeVarintNullableBytes(value)
  }
  writer.patchVarintLength(start)
}
