import type { CommitOutcome, Offset, PartitionWrite, TopicDescription, TopicSpecification } from '@keyfold/kafka'
import { fail } from '../errors.ts'
import { InMemoryPartition, type InMemoryTransaction } from './in-memory-partition.ts'

/**
 * What a test lets go wrong at the next commit:
 * - `abort`, `fence`: nothing becomes visible, and the producer is told so;
 * - `lose-request`: nothing becomes visible, the producer hears nothing (`unknown`);
 * - `lose-answer`: all becomes visible, the producer hears nothing (`unknown`).
 */
export type CommitFault = 'abort' | 'fence' | 'lose-request' | 'lose-answer'

interface InMemoryTopic {
  readonly partitions: readonly InMemoryPartition[]
  readonly configs: Readonly<Record<string, string>>
}

interface ProducerState {
  readonly producerId: number
  epoch: number
  /** A transaction whose records are written and whose end is not decided. */
  open: OpenTransaction | undefined
}

interface OpenTransaction {
  readonly transaction: InMemoryTransaction
  readonly partitions: ReadonlySet<InMemoryPartition>
}

/** The cluster that in-memory clients talk to: topics, producers, and what a test makes of them. */
export class InMemoryCluster {
  /** Taken from the front, one per commit. */
  readonly commitFaults: CommitFault[] = []
  /** Taken from the front, one per fetch of any reader: the fetch throws it. */
  readonly readFaults: Error[] = []
  readonly #topics = new Map<string, InMemoryTopic>()
  readonly #producers = new Map<string, ProducerState>()

  createTopic({ name, partitions: count, configs = {} }: TopicSpecification): boolean {
    if (this.#topics.has(name)) return false
    const partitions = Array.from({ length: count }, (_, partition) => new InMemoryPartition(name, partition))
    this.#topics.set(name, { partitions, configs })
    return true
  }

  describeTopic(name: string, configKeys: readonly string[] = []): TopicDescription | undefined {
    const topic = this.#topics.get(name)
    if (topic === undefined) return undefined
    const asked = configKeys.map((key) => [key, topic.configs[key] ?? ''])
    return { name, partitions: topic.partitions.length, configs: Object.fromEntries(asked) }
  }

  /** Errors: `UNKNOWN_TOPIC_OR_PARTITION`. */
  partitions(topic: string): readonly InMemoryPartition[] {
    const found = this.#topics.get(topic)
    if (found === undefined) throw fail('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${topic}`)
    return found.partitions
  }

  /** Errors: `UNKNOWN_TOPIC_OR_PARTITION`. */
  partition(topic: string, partition: number): InMemoryPartition {
    const found = this.partitions(topic)[partition]
    if (found === undefined) throw fail('UNKNOWN_TOPIC_OR_PARTITION', `there is no partition ${topic}/${partition}`)
    return found
  }

  /** Writes without a transaction. */
  append({ topic, partition, records }: PartitionWrite): Offset {
    return this.partition(topic, partition).append(records)
  }

  /** Writes records that stay undecided until `decide` is called. */
  openTransaction(writes: readonly PartitionWrite[]): { readonly decide: (outcome: 'committed' | 'aborted') => void } {
    const { open } = this.#write(writes)
    return { decide: (outcome) => decide(open, outcome) }
  }

  /** InitProducerId: fences the producers before it and aborts what they left open. */
  initProducer(transactionalId: string): { readonly producerId: number; readonly producerEpoch: number } {
    const known = this.#producers.get(transactionalId)
    const state = known ?? { producerId: this.#producers.size + 1, epoch: -1, open: undefined }
    if (state.open !== undefined) decide(state.open, 'aborted')
    state.open = undefined
    state.epoch += 1
    this.#producers.set(transactionalId, state)
    return { producerId: state.producerId, producerEpoch: state.epoch }
  }

  /** One whole transaction of a producer epoch. */
  commit(transactionalId: string, producerEpoch: number, writes: readonly PartitionWrite[]): CommitOutcome {
    const state = this.#producers.get(transactionalId)
    const fenced = fail('PRODUCER_FENCED', `a newer producer of ${transactionalId} exists`)
    if (state === undefined || state.epoch !== producerEpoch) return { kind: 'fenced', error: fenced }
    const fault = this.commitFaults.shift()
    if (fault === 'fence') return { kind: 'fenced', error: fenced }
    const { open, baseOffsets } = this.#write(writes)
    if (fault === 'lose-request') {
      // The records lie there undecided until the next InitProducerId, as they would on a broker.
      state.open = open
      return { kind: 'unknown', error: fail('REQUEST_TIMED_OUT', 'the end of the transaction was not answered') }
    }
    const isMisplaced = writes.some(
      ({ expectedOffset }, index) => (expectedOffset ?? baseOffsets[index]) !== baseOffsets[index],
    )
    if (isMisplaced) {
      decide(open, 'aborted')
      return { kind: 'aborted', error: fail('OFFSET_UNEXPECTED', 'the partition holds more than was known') }
    }
    decide(open, fault === 'abort' ? 'aborted' : 'committed')
    if (fault === 'abort')
      return { kind: 'aborted', error: fail('TRANSACTION_ABORTED', 'the cluster refused the records') }
    if (fault === undefined) return { kind: 'committed', baseOffsets }
    return { kind: 'unknown', error: fail('REQUEST_TIMED_OUT', 'the end of the transaction was not answered') }
  }

  #write(writes: readonly PartitionWrite[]): { open: OpenTransaction; baseOffsets: readonly Offset[] } {
    const transaction: InMemoryTransaction = { state: 'open' }
    const partitions = new Set(writes.map(({ topic, partition }) => this.partition(topic, partition)))
    const baseOffsets = writes.map((write) =>
      this.partition(write.topic, write.partition).append(write.records, transaction),
    )
    return { open: { transaction, partitions }, baseOffsets }
  }
}

function decide({ transaction, partitions }: OpenTransaction, outcome: 'committed' | 'aborted'): void {
  if (transaction.state !== 'open') return
  transaction.state = outcome
  for (const partition of partitions) partition.mark(transaction)
}
