import { BufferUnderflow, crc32c } from '@keyfold/bytes'
import { batchAttributes, headerLayout, readBatchHeader } from './record-batch-header.ts'

/** Whether the batch at `at` is complete and matches its CRC-32C. Throws MalformedBytes without a readable header. */
export function hasValidCrc(bytes: Buffer, at = 0): boolean {
  const { crc, sizeInBytes } = readBatchHeader(bytes, at)
  if (sizeInBytes > bytes.length - at) return false
  return checksum(bytes, at, sizeInBytes) === crc
}

/** Writes the offset and epoch that a log gives to a batch. Both lie outside the CRC, which stays valid. */
export function assignOffsets(
  bytes: Buffer,
  at: number,
  { baseOffset, partitionLeaderEpoch }: { readonly baseOffset: number; readonly partitionLeaderEpoch: number },
): void {
  putInt64(bytes, at + headerLayout.baseOffset, baseOffset)
  bytes.writeInt32BE(partitionLeaderEpoch, at + headerLayout.partitionLeaderEpoch)
}

/**
 * Turns the batch at `at` into one with LogAppendTime: readers then see `timestampMs` for every record.
 * The CRC is computed anew. Throws MalformedBytes when the batch is incomplete.
 */
export function setLogAppendTime(bytes: Buffer, at: number, timestampMs: number): void {
  const { attributes, sizeInBytes } = readBatchHeader(bytes, at)
  if (sizeInBytes > bytes.length - at) throw new BufferUnderflow(at, sizeInBytes, bytes.length - at)
  bytes.writeInt16BE(attributes | batchAttributes.logAppendTime, at + headerLayout.attributes)
  putInt64(bytes, at + headerLayout.maxTimestamp, timestampMs)
  bytes.writeUInt32BE(checksum(bytes, at, sizeInBytes), at + headerLayout.crc)
}

/** Takes LogAppendTime back from the batch at `at`: its records have their own timestamps again. The CRC is computed anew. */
export function setCreateTime(bytes: Buffer, at: number): void {
  const { attributes, sizeInBytes } = readBatchHeader(bytes, at)
  if (sizeInBytes > bytes.length - at) throw new BufferUnderflow(at, sizeInBytes, bytes.length - at)
  bytes.writeInt16BE(attributes & ~batchAttributes.logAppendTime, at + headerLayout.attributes)
  bytes.writeUInt32BE(checksum(bytes, at, sizeInBytes), at + headerLayout.crc)
}

/** CRC-32C from the attributes to the end of the batch. */
export function checksum(bytes: Buffer, at: number, sizeInBytes: number): number {
  return crc32c(bytes.subarray(at + headerLayout.attributes, at + sizeInBytes))
}

export function putInt64(bytes: Buffer, at: number, value: number): void {
  bytes.writeInt32BE(Math.floor(value / 4294967296), at)
  bytes.writeInt32BE(value | 0, at + 4)
}
