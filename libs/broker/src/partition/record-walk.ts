import { BufferReader, MalformedBytes } from '@keyfold/bytes'
import { batchPayload, type ReadRecordsOptions, type RecordBatchHeader } from '@keyfold/protocol'

/** What validation looks at in a record. */
export type RecordVisitor = (record: { index: number; timestamp: number; hasKey: boolean }) => void

/**
 * Visits the records of a batch without building them: offsets one by one, lengths that add up. Compressed batches are
 * decompressed. Throws MalformedBytes for records that break their layout, UnsupportedCompression without a compressor.
 */
export function walkRecords(
  batch: Buffer,
  header: RecordBatchHeader,
  options: ReadRecordsOptions,
  visit: RecordVisitor,
): void {
  const reader = new BufferReader(batchPayload(batch, 0, options))
  for (let index = 0; index < header.recordCount; index++) {
    const length = reader.readVarint()
    const end = reader.skip(length) + length
    reader.position = end - length
    reader.skip(1) // the attributes, of which none are defined
    const timestamp = header.baseTimestamp + reader.readVarlong()
    if (reader.readVarint() !== index) throw malformed(reader.position, 'offsets that have gaps')
    const hasKey = skipField(reader)
    skipField(reader)
    for (let count = countOfHeaders(reader); count > 0; count--) {
      if (!skipField(reader)) throw malformed(reader.position, 'a record header without a key')
      skipField(reader)
    }
    if (reader.position !== end) throw malformed(reader.position, `a record that should end at byte ${end}`)
    visit({ index, timestamp, hasKey })
  }
  if (reader.remaining > 0) throw malformed(reader.position, `${reader.remaining} bytes behind the last record`)
}

/** Moves past a field with its length in front; false for null. */
function skipField(reader: BufferReader): boolean {
  const length = reader.readVarint()
  if (length === -1) return false
  reader.skip(length)
  return true
}

/** A count is only believed as far as the bytes can hold it. */
function countOfHeaders(reader: BufferReader): number {
  const count = reader.readVarint()
  if (count < 0 || count * 2 > reader.remaining) throw malformed(reader.position, `${count} record headers`)
  return count
}

function malformed(at: number, text: string): MalformedBytes {
  return new MalformedBytes('INVALID_RECORD_BATCH', at, text)
}
