import { readRecords, readTransactionMarker, type RecordBatchHeader } from '@keyfold/protocol'

import type { EndedTransaction } from '../transaction-index.ts'

/**
 * What a walk over a log from its start learns about transactions: whose records were aborted, and whose marker ends a
 * transaction of which nothing is left (statements 30 and 81).
 */
export class TransactionTrail {
  /** Offsets of the markers of aborted transactions that have no batches any more. */
  readonly vanished = new Set<number>()
  readonly #byProducer = new Map<number, EndedTransaction[]>()
  readonly #byMarker = new Map<number, EndedTransaction>()
  readonly #abortedWithData = new Set<EndedTransaction>()
  /** Producers with a batch that was not aborted since their last marker. */
  readonly #committing = new Set<number>()

  constructor(aborted: readonly EndedTransaction[]) {
    for (const transaction of aborted) {
      const ofProducer = this.#byProducer.get(transaction.producerId) ?? []
      this.#byProducer.set(transaction.producerId, ofProducer)
      ofProducer.push(transaction)
      this.#byMarker.set(transaction.lastOffset, transaction)
    }
  }

  /** Passes a batch; true if it is not needed for what it says: aborted data, or the marker of nothing. */
  pass(batch: Buffer, header: RecordBatchHeader): boolean {
    if (header.isControl) return this.#passMarker(batch, header)
    if (!header.isTransactional) return false
    const aborted = this.#byProducer
      .get(header.producerId)
      ?.find(({ firstOffset, lastOffset }) => firstOffset <= header.baseOffset && header.baseOffset < lastOffset)
    if (aborted === undefined) this.#committing.add(header.producerId)
    else this.#abortedWithData.add(aborted)
    return aborted !== undefined
  }

  #passMarker(batch: Buffer, header: RecordBatchHeader): boolean {
    const [record] = readRecords(batch)
    const marker = record === undefined ? undefined : readTransactionMarker(record)
    // An empty batch was a marker that has gone already; only its producer's epoch is left.
    if (marker === undefined) return record === undefined
    if (marker.type === 'commit') return !this.#committing.delete(header.producerId)
    const aborted = this.#byMarker.get(header.baseOffset)
    if (aborted !== undefined && this.#abortedWithData.has(aborted)) return false
    if (aborted !== undefined) this.vanished.add(header.baseOffset)
    return true
  }
}
