import { BufferWriter, crc32c } from '@keyfold/bytes'
import type { RecordToWrite } from './kafka-client.ts'

export interface BatchProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

const transactionalBit = 0x10
/** From the length field's end to the checksum's: partition leader epoch, magic, crc. */
const unsummedBytes = 9

/** One transactional record batch of format 2, uncompressed (KIP-98, "RecordBatch"). */
export function encodeRecordBatch(records: readonly RecordToWrite[], producer: BatchProducer, nowMs: number): Buffer {
  const timestamps = records.map(({ timestampMs }) => timestampMs ?? nowMs)
  const baseTimestamp = timestamps[0] ?? nowMs
  const summed = new BufferWriter(256 + records.length * 256)
  summed.writeInt16(transactionalBit)
  summed.writeInt32(records.length - 1)
  summed.writeInt64(baseTimestamp)
  summed.writeInt64(timestamps.reduce((max, each) => Math.max(max, each), baseTimestamp))
  summed.writeInt64(producer.producerId)
  summed.writeInt16(producer.producerEpoch)
  summed.writeInt32(producer.baseSequence)
  summed.writeInt32(records.length)
  const scratch = new BufferWriter(256)
  records.forEach((record, index) => {
    writeRecordBody(scratch, record, (timestamps[index] ?? nowMs) - baseTimestamp, index)
    summed.writeVarint(scratch.length)
    summed.writeBytes(scratch.toBuffer())
    scratch.reset()
  })
  const body = summed.toBuffer()
  const batch = new BufferWriter(32 + body.length)
  batch.writeInt64(0)
  batch.writeInt32(unsummedBytes + body.length)
  batch.writeInt32(-1)
  batch.writeInt8(2)
  batch.writeUInt32(crc32c(body))
  batch.writeBytes(body)
  return batch.toBuffer()
}

function writeRecordBody(writer: BufferWriter, record: RecordToWrite, timestampDelta: number, index: number): void {
  writer.writeInt8(0)
  writer.writeVarlong(timestampDelta)
  writer.writeVarint(index)
  writeVarintBytes(writer, record.key)
  writeVarintBytes(writer, record.value)
  const headers = Object.entries(record.headers ?? {})
  writer.writeVarint(headers.length)
  for (const [name, value] of headers) {
    writeVarintBytes(writer, Buffer.from(name))
    writeVarintBytes(writer, typeof value === 'string' ? Buffer.from(value) : value)
  }
}

function writeVarintBytes(writer: BufferWriter, bytes: Buffer | null): void {
  if (bytes === null) {
    writer.writeVarint(-1)
    return
  }
  writer.writeVarint(bytes.length)
  writer.writeBytes(bytes)
}
