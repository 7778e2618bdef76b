import { batchHeaders, readRecords, readTransactionMarker } from '@keyfold/protocol'

export interface ReadRecord {
  readonly offset: number
  readonly value: string
}

/**
 * The records that a read_committed reader hands on: without markers, and without those of the aborted transactions in
 * the list, each of which ends at its producer's next abort marker.
 */
export function committedRecords(
  records: Buffer,
  fetchOffset: number,
  aborted: readonly { producerId: number; firstOffset: number }[],
): { records: ReadRecord[]; nextOffset: number } {
  const waiting = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const open = new Set<number>()
  const read: ReadRecord[] = []
  let nextOffset = fetchOffset
  for (const { at, header } of batchHeaders(records)) {
    nextOffset = header.lastOffset + 1
    while (waiting[0] !== undefined && waiting[0].firstOffset <= header.lastOffset) {
      open.add(waiting.shift()?.producerId ?? -1)
    }
    for (const record of readRecords(records, at)) {
      if (header.isControl) {
        if (readTransactionMarker(record)?.type === 'abort') open.delete(header.producerId)
      } else if (record.offset >= fetchOffset && !(header.isTransactional && open.has(header.producerId))) {
        read.push({ offset: record.offset, value: String(record.value) })
      }
    }
  }
  return { records: read, nextOffset }
}
