interface Verification {
  readonly epoch: number
  readonly lowestSequence: number
  /** Set by the batch that came first, as in Kafka: whether a producer that is new here has to start at sequence 0. */
  readonly mustStartAtZero: boolean
}

/** A transactional batch that wants to be let in. */
export interface ExpectedBatch {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly mustStartAtZero: boolean
}

/** Producers remembered at most; beyond, the longest remembered is forgotten. */
const rememberedMax = 10_000

/**
 * Transactional producers that have asked to write to a partition and have not yet: the lowest sequence each of them
 * came with. If a batch was refused, because the partition was not in the transaction, the one after it must not be let
 * in first. Kept in memory only, as Kafka does: it bridges a retry.
 */
export class TransactionVerifications {
  readonly #byProducer = new Map<number, Verification>()

  /** A batch asks to begin a transaction here. */
  note({ producerId, producerEpoch: epoch, baseSequence: sequence, ...batch }: ExpectedBatch): void {
    const known = this.#byProducer.get(producerId)
    if (known !== undefined && known.epoch > epoch) return
    const lowestSequence = known?.epoch === epoch ? Math.min(known.lowestSequence, sequence) : sequence
    const { mustStartAtZero } = known ?? batch
    this.#byProducer.delete(producerId)
    this.#byProducer.set(producerId, { epoch, lowestSequence, mustStartAtZero })
    if (this.#byProducer.size <= rememberedMax) return
    for (const oldest of this.#byProducer.keys()) {
      this.#byProducer.delete(oldest)
      return
    }
  }

  /** The first sequence that the producer may write here, if it is known: in any epoch, as Kafka has it. */
  lowestSequence(producerId: number): number | undefined {
    return this.#byProducer.get(producerId)?.lowestSequence
  }

  /** What the first batch of those that asked said; undefined if none did. */
  mustStartAtZero(producerId: number): boolean | undefined {
    return this.#byProducer.get(producerId)?.mustStartAtZero
  }

  forget(producerId: number): void {
    this.#byProducer.delete(producerId)
  }
}
