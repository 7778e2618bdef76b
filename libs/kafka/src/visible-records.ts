import type { AbortedTransaction } from './fetch-response.ts'
import type { FetchedRecord } from './fetched-record.ts'
import type { Isolation } from './kafka-client.ts'
import { decodeRecords, isAbortMarker, type RecordBatch } from './record-batch-decoder.ts'

export interface VisibleRecords {
  readonly records: readonly FetchedRecord[]
  /** The offset after the last batch that was passed, visible or not. */
  readonly position: number
}

/**
 * What a reader at `position` may see of fetched batches. Markers are dropped by their control bit alone: a record
 * with a marker's key is data. For `committed`, a transactional batch is dropped while its producer is in an aborted
 * transaction: from the transaction's first offset to the producer's abort marker; any number may be open at once.
 */
export function visibleRecords(
  batches: readonly RecordBatch[],
  aborted: readonly AbortedTransaction[],
  position: number,
  isolation: Isolation,
): VisibleRecords {
  const upcoming = isolation === 'committed' ? aborted.toSorted((a, b) => a.firstOffset - b.firstOffset) : []
  const aborting = new Set<number>()
  const records: FetchedRecord[] = []
  let next = 0
  let reached = position
  for (const batch of batches) {
    for (let each = upcoming[next]; each !== undefined && each.firstOffset <= batch.lastOffset; each = upcoming[++next])
      aborting.add(each.producerId)
    reached = Math.max(reached, batch.lastOffset + 1)
    if (batch.control) {
      if (isAbortMarker(batch)) aborting.delete(batch.producerId)
    } else if (!(batch.transactional && aborting.has(batch.producerId))) {
      for (const record of decodeRecords(batch, position)) records.push(record)
    }
  }
  return { records, position: reached }
}
