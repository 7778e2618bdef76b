interface Verification {
  readonly epoch: number
  readonly lowestSequence: number
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
  note(producerId: number, epoch: number, sequence: number): void {
    const known = this.#byProducer.get(producerId)
    if (known !== undefined && known.epoch > epoch) return
    const lowestSequence = known?.epoch === epoch ? Math.min(known.lowestSequence, sequence) : sequence
    this.#byProducer.delete(producerId)
    this.#byProducer.set(producerId, { epoch, lowestSequence })
    if (this.#byProducer.size <= rememberedMax) return
    for (const oldest of this.#byProducer.keys()) {
      this.#byProducer.delete(oldest)
      return
    }
  }

  /** The first sequence that may begin the transaction, if it is known. */
  lowestSequence(producerId: number, epoch: number): number | undefined {
    const known = this.#byProducer.get(producerId)
    return known?.epoch === epoch ? known.lowestSequence : undefined
  }

  forget(producerId: number): void {
    this.#byProducer.delete(producerId)
  }
}
