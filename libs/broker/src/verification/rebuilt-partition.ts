import { readRecords, readTransactionMarker, type RecordBatchHeader } from '@keyfold/protocol'
import { type ProducerDescription, ProducerStates } from '../partition/producer-states.ts'
import { type EndedTransaction, TransactionIndex } from '../partition/transaction-index.ts'

/** Producers that have been silent for longer may have been forgotten (producer.id.expiration.ms). */
const expirationMs = 86_400_000

/** What the batches of a log say about producers and transactions, without anything that was remembered. */
export class RebuiltPartition {
  readonly #logStartOffset: number
  readonly #producers = new ProducerStates()
  readonly #transactions = new TransactionIndex()

  constructor(logStartOffset: number) {
    this.#logStartOffset = logStartOffset
  }

  /** Takes the next batch. */
  add(batch: Buffer, header: RecordBatchHeader): void {
    if (header.producerId < 0) return
    if (!header.isControl) {
      this.#producers.apply(header, 0)
      if (header.isTransactional) this.#transactions.append(header.producerId, header.baseOffset)
      return
    }
    for (const record of readRecords(batch)) {
      const marker = readTransactionMarker(record)
      if (marker === undefined) continue
      this.#producers.applyMarker(header, marker.coordinatorEpoch)
      this.#transactions.end(header.producerId, record.offset, marker.type === 'commit')
    }
  }

  /** Producers that a partition remembers differently, one line each. */
  differingProducers(remembered: readonly ProducerDescription[], nowMs: number): string[] {
    const known = new Map(remembered.map((producer) => [producer.producerId, producer]))
    const differing = this.#producers.describe().flatMap((producer) => {
      const { producerId, producerEpoch, lastSequence, lastTimestamp } = producer
      const other = known.get(producerId)
      if (other === undefined) {
        const mayHaveExpired = lastTimestamp < nowMs - expirationMs || this.#logStartOffset > 0
        return mayHaveExpired
          ? []
          : [`producer ${producerId} wrote up to sequence ${lastSequence} and is not remembered`]
      }
      const isSame = other.producerEpoch === producerEpoch && other.lastSequence === lastSequence
      if (isSame) return []
      const remembers = `epoch ${other.producerEpoch} and sequence ${other.lastSequence} are remembered`
      return [`producer ${producerId} wrote epoch ${producerEpoch}, sequence ${lastSequence}; ${remembers}`]
    })
    const written = new Set(this.#producers.describe().map(({ producerId }) => producerId))
    const strangers = this.#logStartOffset > 0 ? [] : remembered.filter(({ producerId }) => !written.has(producerId))
    return [
      ...differing,
      ...strangers.map(({ producerId }) => `producer ${producerId} is remembered and wrote nothing`),
    ]
  }

  /** Aborted transactions that only one of the two has, one line each. */
  differingAborted(remembered: readonly EndedTransaction[]): string[] {
    const rebuilt = new Map(this.#transactions.aborted.map((ended) => [keyOf(ended), ended]))
    const known = new Map(remembered.map((ended) => [keyOf(ended), ended]))
    const missing = [...rebuilt].filter(([key]) => !known.has(key))
    // What began before the start of the log cannot be found in it.
    const strangers = [...known].filter(
      ([key, ended]) => !rebuilt.has(key) && ended.firstOffset >= this.#logStartOffset,
    )
    return [
      ...missing.map(([, ended]) => `${describe(ended)} is not remembered: its records would be shown`),
      ...strangers.map(([, ended]) => `${describe(ended)} is remembered, but not in the log`),
    ]
  }
}

function keyOf({ producerId, lastOffset }: EndedTransaction): string {
  return `${producerId}@${lastOffset}`
}

function describe({ producerId, firstOffset, lastOffset }: EndedTransaction): string {
  return `the aborted transaction of producer ${producerId} from offset ${firstOffset} to ${lastOffset}`
}
