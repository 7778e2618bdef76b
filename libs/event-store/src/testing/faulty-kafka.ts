import type { CommitOutcome, Isolation, PartitionReaderOptions, TransactionalProducerOptions } from '@keyfold/kafka'
import { InMemoryKafka } from '@keyfold/testing'

/** Where a claim or a batch asks the cluster for something. */
export const kafkaSteps = ['cluster', 'init', 'ends', 'starts', 'read events', 'read state', 'claim', 'batch'] as const

export type KafkaStep = (typeof kafkaSteps)[number]

/** A client that fails where it is told to. */
export class FaultyKafka extends InMemoryKafka {
  /** How often each step has failed. */
  failed = 0
  #step: KafkaStep | undefined
  #fault: () => CommitOutcome = () => never(new Error('no fault is planted'))
  #times = 0

  /** The step throws, so many times. */
  failAt(step: KafkaStep, error: Error, times = 1): void {
    this.#plant(step, () => never(error), times)
  }

  /** The commit of a claim or a batch does nothing, and ends so. */
  endAt(step: 'claim' | 'batch', outcome: CommitOutcome, times = 1): void {
    this.#plant(step, () => outcome, times)
  }

  #plant(step: KafkaStep, fault: () => CommitOutcome, times: number): void {
    this.#step = step
    this.#fault = fault
    this.#times = times
  }

  override async cluster() {
    this.#pass('cluster')
    return super.cluster()
  }

  override async endOffsets(topic: string, isolation: Isolation) {
    this.#pass('ends')
    return super.endOffsets(topic, isolation)
  }

  override async startOffsets(topic: string) {
    this.#pass('starts')
    return super.startOffsets(topic)
  }

  override async openTransactionalProducer(options: TransactionalProducerOptions) {
    this.#pass('init')
    const producer = await super.openTransactionalProducer(options)
    const commit: typeof producer.commit = async (writes) => {
      const isClaim = writes.some(({ records }) => records.some(({ key }) => key?.toString() === 'claim'))
      return this.#pass(isClaim ? 'claim' : 'batch') ?? (await producer.commit(writes))
    }
    return { ...producer, commit }
  }

  override openPartitionReader(options: PartitionReaderOptions) {
    const reader = super.openPartitionReader(options)
    const step = options.topic.endsWith('.state') ? 'read state' : 'read events'
    return {
      next: async (wait?: { readonly maxWaitMs?: number }) => {
        this.#pass(step)
        return reader.next(wait)
      },
      close: () => reader.close(),
    }
  }

  #pass(step: KafkaStep): CommitOutcome | undefined {
    if (this.#step !== step || this.failed >= this.#times) return undefined
    this.failed += 1
    return this.#fault()
  }
}

function never(error: Error): never {
  throw error
}
