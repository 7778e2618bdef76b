import type { KafkaClient, PartitionReader, StoredRecord, TransactionalProducer } from '@keyfold/kafka'
import { RegistryStartError } from '../registry-error.ts'
import type { LogRecord, LogWrite } from '../state/schema-record.ts'
import { type SchemaLog, SchemaLogError } from './schema-log.ts'

export interface KafkaSchemaLogOptions {
  readonly client: KafkaClient
  /** Default `_schemas`, the name every product uses. */
  readonly topic?: string
  /** Left out: the cluster's default. */
  readonly replicationFactor?: number
}

const DEFAULT_TOPIC = '_schemas'
const TRANSACTION_TIMEOUT_MS = 10_000
/** How long one fetch waits for news; it answers at once when there are some. */
const FOLLOW_WAIT_MS = 500

/**
 * The log in a compacted topic with one partition. Every append is a transaction under a transactional id that all
 * registries of the topic share, so that opening one fences the one before. State comes only from reading the topic.
 */
export class KafkaSchemaLog implements SchemaLog {
  readonly #client: KafkaClient
  readonly #topic: string
  readonly #replicationFactor: number | undefined
  #producer: TransactionalProducer | undefined
  #reader: PartitionReader | undefined
  #following: Promise<void> | undefined
  #position = 0
  #waiting: Waiting[] = []
  #failure: SchemaLogError | undefined
  /** Collects what is applied while an append is under way. */
  #seen: LogRecord[] | undefined
  #closed = false

  constructor({ client, topic = DEFAULT_TOPIC, replicationFactor }: KafkaSchemaLogOptions) {
    this.#client = client
    this.#topic = topic
    this.#replicationFactor = replicationFactor
  }

  async open(apply: (record: LogRecord) => void): Promise<void> {
    await this.#ensureTopic()
    // First fence the writer before us, then read: what is read is then all there will ever be but our own.
    this.#producer = await this.#openProducer()
    const [fromOffset = 0] = await this.#client.startOffsets(this.#topic)
    const reader = this.#client.openPartitionReader({
      topic: this.#topic,
      partition: 0,
      fromOffset,
      isolation: 'committed',
    })
    this.#reader = reader
    while (!(await this.#readOn(reader, apply, 0)));
    this.#following = this.#follow(reader, apply)
  }

  async append(writes: readonly LogWrite[]): Promise<number> {
    if (this.#failure) throw this.#failure
    const producer = this.#producer
    if (!producer) {
      await this.#settle()
      throw new SchemaLogError('rejected', 'an earlier append had to be settled first')
    }
    const seen: LogRecord[] = []
    this.#seen = seen
    try {
      return await this.#commit(producer, writes, seen)
    } finally {
      this.#seen = undefined
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopWaiting(new SchemaLogError('broken', 'the log is closed'))
    await this.#reader?.close()
    await this.#following
    await this.#producer?.close()
  }

  /** `seen` fills with the records that are applied meanwhile. */
  async #commit(producer: TransactionalProducer, writes: readonly LogWrite[], seen: LogRecord[]): Promise<number> {
    const outcome = await producer.commit([{ topic: this.#topic, partition: 0, records: writes }])
    if (outcome.kind === 'committed') {
      const last = (outcome.baseOffsets[0] ?? 0) + writes.length - 1
      await this.#applied(last)
      return last
    }
    if (outcome.kind === 'aborted') throw new SchemaLogError('rejected', outcome.error.message, outcome.error)
    if (outcome.kind === 'fenced') {
      this.#failure = new SchemaLogError('fenced', 'another registry has taken over this topic', outcome.error)
      throw this.#failure
    }
    this.#producer = undefined
    await producer.close().catch(() => undefined)
    await this.#settle()
    const written = seen.findLast((record) => isSame(record, writes.at(-1)))
    if (!written) throw new SchemaLogError('rejected', outcome.error.message, outcome.error)
    return written.offset
  }

  async #ensureTopic(): Promise<void> {
    const name = this.#topic
    const replication = this.#replicationFactor === undefined ? {} : { replicationFactor: this.#replicationFactor }
    await this.#client.ensureTopics([{ name, partitions: 1, configs: { 'cleanup.policy': 'compact' }, ...replication }])
    const [found] = await this.#client.describeTopics([name], ['cleanup.policy'])
    const policy = found?.configs['cleanup.policy']
    if (policy !== 'compact') {
      // With "delete" Kafka would forget schemas after a week, and every event written with them.
      const fix = `Set it with kafka-configs --alter --entity-type topics --entity-name ${name} --add-config cleanup.policy=compact.`
      throw new RegistryStartError(
        'REGISTRY_TOPIC_UNSUITABLE',
        `topic ${name} has cleanup.policy=${policy}, not compact`,
        fix,
      )
    }
    if (found?.partitions === 1) return
    const fix = 'Give the registry a topic of its own with one partition.'
    throw new RegistryStartError(
      'REGISTRY_TOPIC_UNSUITABLE',
      `topic ${name} has ${found?.partitions} partitions, not 1`,
      fix,
    )
  }

  #openProducer(): Promise<TransactionalProducer> {
    return this.#client.openTransactionalProducer({
      transactionalId: `keyfold.registry.${this.#topic}`,
      transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
    })
  }

  /** A new producer decides what the one before left open; then all of it is seen, or never will be. */
  async #settle(): Promise<void> {
    try {
      const producer = await this.#openProducer()
      const [end = 0] = await this.#client.endOffsets(this.#topic, 'committed')
      await this.#applied(end - 1)
      this.#producer = producer
    } catch (error) {
      if (error instanceof SchemaLogError) throw error
      throw new SchemaLogError('unknown', error instanceof Error ? error.message : String(error), error)
    }
  }

  async #follow(reader: PartitionReader, apply: (record: LogRecord) => void): Promise<void> {
    try {
      while (!this.#closed) await this.#readOn(reader, apply, FOLLOW_WAIT_MS)
    } catch (error) {
      if (this.#closed) return
      const reason = error instanceof Error ? error.message : String(error)
      this.#failure = new SchemaLogError('broken', `topic ${this.#topic} cannot be read: ${reason}`, error)
      this.#stopWaiting(this.#failure)
    }
  }

  /** Applies the next records. True when there are no more for now. */
  async #readOn(reader: PartitionReader, apply: (record: LogRecord) => void, maxWaitMs: number): Promise<boolean> {
    const batch = await reader.next({ maxWaitMs })
    for (const record of batch.records) {
      if (!hasKey(record)) continue
      apply(record)
      this.#seen?.push(record)
    }
    this.#position = batch.position
    const done = this.#waiting.filter(({ offset }) => offset < this.#position)
    this.#waiting = this.#waiting.filter(({ offset }) => offset >= this.#position)
    for (const waiting of done) waiting.resolve()
    return batch.position >= batch.endOffset
  }

  #applied(offset: number): Promise<void> {
    if (offset < this.#position) return Promise.resolve()
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => this.#waiting.push({ offset, resolve, reject }))
  }

  #stopWaiting(error: SchemaLogError): void {
    for (const waiting of this.#waiting) waiting.reject(error)
    this.#waiting = []
  }
}

interface Waiting {
  readonly offset: number
  resolve(): void
  reject(error: SchemaLogError): void
}

function isSame(record: LogWrite, write: LogWrite | undefined): boolean {
  if (!write?.key.equals(record.key)) return false
  return record.value === null || write.value === null ? record.value === write.value : record.value.equals(write.value)
}

function hasKey(record: StoredRecord): record is StoredRecord & { readonly key: Buffer } {
  return record.key !== null
}
