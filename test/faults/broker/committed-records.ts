import { batchHeaders, readRecords, type ReadRecordsOptions, readTransactionMarker } from '@keyfold/protocol'

export interface ReadRecord {
  readonly offset: number
  readonly value: string
}

type Aborted = readonly { producerId: number; firstOffset: number }[]

/**
 * The records that a read_committed reader hands on: without markers, and without those of the aborted transactions in
 * the list, each of which ends at its producer's next abort marker.
 */
export function committedRecords(
  records: Buffer,
  fetchOffset: number,
  aborted: Aborted,
  reading: ReadRecordsOptions = {},
): { records: ReadRecord[]; nextOffset: number } {
  const read = committed(records, fetchOffset, aborted, reading)
  const seen = Array.from(read, ({ offset, value }) => ({ offset, value: String(value) }))
  return { records: seen, nextOffset: nextOffset(records, fetchOffset) }
}

/** Where a reader goes on behind these batches. */
export function nextOffset(records: Buffer, fetchOffset: number): number {
  return batchHeaders(records).reduce((_, { header }) => header.lastOffset + 1, fetchOffset)
}

/** The same, record by record, as they are in their batches. */
export function* committed(records: Buffer, fetchOffset: number, aborted: Aborted, reading: ReadRecordsOptions = {}) {
  const waiting = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const open = new Set<number>()
  for (const { at, header } of batchHeaders(records)) {
    while (waiting[0] !== undefined && waiting[0].firstOffset <= header.lastOffset) {
      open.add(waiting.shift()?.producerId ?? -1)
    }
    for (const record of readRecords(records, at, reading)) {
      if (header.isControl) {
        if (readTransactionMarker(record)?.type === 'abort') open.delete(header.producerId)
      } else if (record.offset >= fetchOffset && !(header.isTransactional && open.has(header.producerId))) {
        yield record
      }
    }
  }
}
