import type { CommitOutcome, KafkaClient, Offset, PartitionWrite, TransactionalProducer } from '@keyfold/kafka'

const PATIENCE_MS = 30_000

export interface PatientProducerOptions {
  readonly transactionalId: string
  /** What it does when another one has taken over its id: takes it back, or leaves it to the other one. */
  readonly whenFenced: 'take back' | 'give up'
}

/** Commits one transaction after the other, through broker restarts. */
export class PatientProducer {
  /** How often a commit had to be begun again, or was left in doubt. */
  troubles = 0
  readonly #kafka: KafkaClient
  readonly #options: PatientProducerOptions
  #producer: TransactionalProducer | undefined

  constructor(kafka: KafkaClient, options: PatientProducerOptions) {
    this.#kafka = kafka
    this.#options = options
  }

  /** Ends what an earlier producer of the id has left open. */
  async takeOver(): Promise<void> {
    this.#producer = await this.#open()
  }

  /** Where the writes begin; undefined when it may be there or not: nothing is written again. */
  async commit(writes: readonly PartitionWrite[]): Promise<readonly Offset[] | undefined> {
    const deadlineMs = performance.now() + PATIENCE_MS
    for (;;) {
      const outcome = await this.#attempt(writes)
      if (outcome.kind === 'committed') return outcome.baseOffsets
      this.troubles += 1
      // Doubtful: the next producer settles it.
      if (outcome.kind !== 'aborted') this.#producer = undefined
      if (outcome.kind === 'unknown') return undefined
      const isReplaced = outcome.kind === 'fenced' && this.#options.whenFenced === 'give up'
      if (isReplaced || performance.now() > deadlineMs) throw outcome.error
    }
  }

  /** A producer that cannot be opened has written nothing. */
  async #attempt(writes: readonly PartitionWrite[]): Promise<CommitOutcome | { kind: 'not open'; error: unknown }> {
    try {
      this.#producer ??= await this.#open()
    } catch (error) {
      return { kind: 'not open', error }
    }
    return await this.#producer.commit(writes)
  }

  async #open(): Promise<TransactionalProducer> {
    const { transactionalId } = this.#options
    return await this.#kafka.openTransactionalProducer({ transactionalId, transactionTimeoutMs: 10_000 })
  }
}
