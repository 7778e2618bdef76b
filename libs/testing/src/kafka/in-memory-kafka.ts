import type {
  ClusterDescription,
  Isolation,
  KafkaClient,
  Offset,
  PartitionReader,
  PartitionReaderOptions,
  ReadBatch,
  TopicDescription,
  TopicSpecification,
  TransactionalProducer,
  TransactionalProducerOptions,
} from '@keyfold/kafka'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fail } from '../errors.ts'
import { InMemoryCluster } from './in-memory-cluster.ts'

/**
 * A Kafka client without sockets: transactions, fencing, isolation and markers behave as on a broker, nothing is
 * durable. `new InMemoryKafka(kafka.log)` is a second client of the same cluster, as another process would be.
 */
export class InMemoryKafka implements KafkaClient {
  /** The cluster behind this client, where a test writes, breaks and looks. */
  readonly log: InMemoryCluster
  readonly #readers = new Set<InMemoryReader>()
  #closed = false

  constructor(log: InMemoryCluster = new InMemoryCluster()) {
    this.log = log
  }

  async cluster(): Promise<ClusterDescription> {
    this.#refuseIfClosed()
    return { clusterId: 'in-memory', controllerId: 1, nodes: [{ nodeId: 1, host: 'in-memory', port: 0 }] }
  }

  async ensureTopics(topics: readonly TopicSpecification[]): Promise<readonly string[]> {
    this.#refuseIfClosed()
    return topics.filter((topic) => this.log.createTopic(topic)).map(({ name }) => name)
  }

  async describeTopics(names: readonly string[], configKeys?: readonly string[]): Promise<readonly TopicDescription[]> {
    this.#refuseIfClosed()
    return names.flatMap((name) => this.log.describeTopic(name, configKeys) ?? [])
  }

  async endOffsets(topic: string, isolation: Isolation): Promise<readonly Offset[]> {
    this.#refuseIfClosed()
    return this.log.partitions(topic).map((partition) => partition.endOffset(isolation))
  }

  async startOffsets(topic: string): Promise<readonly Offset[]> {
    this.#refuseIfClosed()
    return this.log.partitions(topic).map((partition) => partition.startOffset)
  }

  async openTransactionalProducer({ transactionalId }: TransactionalProducerOptions): Promise<TransactionalProducer> {
    this.#refuseIfClosed()
    const { producerId, producerEpoch } = this.log.initProducer(transactionalId)
    return {
      transactionalId,
      producerId,
      producerEpoch,
      commit: async (writes) => {
        await nextTurn()
        return this.log.commit(transactionalId, producerEpoch, writes)
      },
      close: async () => {},
    }
  }

  openPartitionReader(options: PartitionReaderOptions): PartitionReader {
    this.#refuseIfClosed()
    const reader = new InMemoryReader(this.log, options)
    this.#readers.add(reader)
    return reader
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const reader of this.#readers) await reader.close()
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw closed()
  }
}

const MAX_BYTES = 1024 * 1024
const MAX_WAIT_MS = 500

class InMemoryReader implements PartitionReader {
  readonly #log: InMemoryCluster
  readonly #options: PartitionReaderOptions
  #position: Offset
  #closed = false
  #wake = (): void => {}

  constructor(log: InMemoryCluster, options: PartitionReaderOptions) {
    this.#log = log
    this.#options = options
    this.#position = options.fromOffset
  }

  async next({ maxWaitMs = MAX_WAIT_MS }: { readonly maxWaitMs?: number } = {}): Promise<ReadBatch> {
    const batch = await this.#fetch()
    if (batch.position > batch.before || maxWaitMs === 0) return batch
    const { arrived, cancel } = this.#log.partition(this.#options.topic, this.#options.partition).arrival(maxWaitMs)
    this.#wake = cancel
    await arrived
    return await this.#fetch()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wake()
  }

  /** Takes a turn of the event loop, as a fetch over a socket would. */
  async #fetch(): Promise<ReadBatch & { readonly before: Offset }> {
    await nextTurn()
    if (this.#closed) throw closed()
    const fault = this.#log.readFaults.shift()
    if (fault !== undefined) throw fault
    const { topic, partition: number, isolation, maxBytes = MAX_BYTES } = this.#options
    const partition = this.#log.partition(topic, number)
    const before = this.#position
    if (before < partition.startOffset || before > partition.endOffset('uncommitted'))
      throw fail('OFFSET_OUT_OF_RANGE', `${topic}/${number} has no offset ${before}`)
    const { records, position } = partition.read(before, isolation, maxBytes)
    this.#position = position
    return { records, position, endOffset: partition.endOffset(isolation), before }
  }
}

function closed(): Error {
  return fail('KAFKA_CLIENT_CLOSED', 'the client or the reader was closed')
}
