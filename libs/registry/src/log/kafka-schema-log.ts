import type { KafkaClient, Offset, TransactionalProducer } from '@keyfold/kafka'
import { withDeadline } from '../deadline.ts'
import type { LogRecord, LogWrite } from '../state/schema-record.ts'
import { LogFollower } from './log-follower.ts'
import { type LogWriter, type SchemaLog, SchemaLogError } from './schema-log.ts'
import { ensureSchemaTopic } from './schema-topic.ts'
import { writerHeaders } from './writer-headers.ts'

export interface KafkaSchemaLogOptions {
  readonly client: KafkaClient
  /** Default `_schemas`, the name every product uses. */
  readonly topic?: string
  /** Left out: the cluster's default. */
  readonly replicationFactor?: number
}

const DEFAULT_TOPIC = '_schemas'
const TRANSACTION_TIMEOUT_MS = 10_000
const RESIGN_MS = 1000
/** Of no effect on the state; the first record of every writer, by which it knows that it has read all before it. */
const NOOP = { key: Buffer.from('{"keytype":"NOOP","magic":0}'), value: null }

/**
 * The log in a compacted topic with one partition. Every append is a transaction under a transactional id that all
 * registries of the topic share, so that claiming it fences the writer before. State comes only from reading the topic.
 */
export class KafkaSchemaLog implements SchemaLog {
  readonly #client: KafkaClient
  readonly #topic: string
  readonly #replicationFactor: number | undefined
  #follower: LogFollower | undefined
  /** There while this process writes. */
  #writing: { readonly producer: TransactionalProducer; readonly self: LogWriter } | undefined
  /** Collects what is applied while an append is under way. */
  #seen: LogRecord[] | undefined

  constructor({ client, topic = DEFAULT_TOPIC, replicationFactor }: KafkaSchemaLogOptions) {
    this.#client = client
    this.#topic = topic
    this.#replicationFactor = replicationFactor
  }

  get writer(): LogWriter | undefined {
    return this.#follower?.writer
  }

  get isWriter(): boolean {
    return this.#writing !== undefined
  }

  get position(): Offset {
    return this.#follower?.position ?? 0
  }

  get failure(): SchemaLogError | undefined {
    return this.#follower?.failure
  }

  async open(apply: (record: LogRecord) => void): Promise<void> {
    const replication = this.#replicationFactor === undefined ? {} : { replicationFactor: this.#replicationFactor }
    await ensureSchemaTopic(this.#client, { name: this.#topic, ...replication })
    this.#follower = new LogFollower(this.#client, this.#topic, {
      apply: (record) => {
        apply(record)
        this.#seen?.push(record)
      },
      onWriter: ({ id }) => {
        if (this.#writing && this.#writing.self.id !== id) this.#stepDown()
      },
    })
    await this.#follower.start()
  }

  async claim(self: LogWriter): Promise<void> {
    const follower = this.#opened()
    this.#stepDown()
    // First fence the writer before, then write a record of our own and read up to it: nothing comes in between.
    const producer = await this.#openProducer()
    try {
      const [offset] = await this.#commit(producer, [NOOP], self)
      await follower.applied(offset)
      if (follower.writer?.id !== self.id) {
        throw new SchemaLogError('fenced', 'another registry took over at the same time')
      }
    } catch (error) {
      void producer.close()
      throw error
    }
    this.#writing = { producer, self }
  }

  async append(writes: readonly LogWrite[]): Promise<number> {
    const follower = this.#opened()
    const writing = this.#writing
    if (!writing) throw new SchemaLogError('fenced', 'this registry does not write to the log')
    const seen: LogRecord[] = []
    this.#seen = seen
    try {
      const [, last] = await this.#commit(writing.producer, writes, writing.self)
      await follower.applied(last)
      return last
    } catch (error) {
      const failure = error instanceof SchemaLogError ? error : unknown(error)
      if (failure.kind === 'fenced' || failure.kind === 'unknown') this.#stepDown()
      if (failure.kind !== 'unknown') throw failure
      await this.#settle(writing.self)
      const written = seen.findLast((record) => isSame(record, writes.at(-1)))
      if (!written) throw new SchemaLogError('rejected', failure.message, failure)
      return written.offset
    } finally {
      this.#seen = undefined
    }
  }

  async catchUp(): Promise<void> {
    const follower = this.#opened()
    const [end = 0] = await this.#client.endOffsets(this.#topic, 'committed').catch((error: unknown) => {
      throw unknown(error)
    })
    await follower.applied(end - 1)
  }

  /** A writer that closes leaves a record without an address, so that others need not find out that it has gone. */
  async close(): Promise<void> {
    const { producer, self } = this.#writing ?? {}
    this.#writing = undefined
    if (producer && self) {
      const resigned = this.#commit(producer, [NOOP], { ...self, url: '' }).catch(() => undefined)
      await withDeadline<unknown>(resigned, RESIGN_MS, () => undefined)
      void producer.close()
    }
    await this.#follower?.close()
  }

  #opened(): LogFollower {
    const follower = this.#follower
    if (!follower) throw new TypeError('the log is not open')
    if (follower.failure) throw follower.failure
    return follower
  }

  #stepDown(): void {
    const { producer } = this.#writing ?? {}
    this.#writing = undefined
    void producer?.close()
  }

  /** Offsets of the first and the last record. */
  async #commit(
    producer: TransactionalProducer,
    writes: readonly LogWrite[],
    self: LogWriter,
  ): Promise<readonly [first: Offset, last: Offset]> {
    const headers = writerHeaders(self)
    const records = writes.map((write) => ({ ...write, headers }))
    const outcome = await producer.commit([{ topic: this.#topic, partition: 0, records }])
    if (outcome.kind === 'committed') {
      const [first = 0] = outcome.baseOffsets
      return [first, first + writes.length - 1]
    }
    const kind = outcome.kind === 'aborted' ? 'rejected' : outcome.kind
    const reason = kind === 'fenced' ? 'another registry has taken over this topic' : outcome.error.message
    throw new SchemaLogError(kind, reason, outcome.error)
  }

  /**
   * A claim decides what the producer before left open, ours or, when another one took over meanwhile, theirs. After it
   * all of an append has been seen, or never will be. Throws `unknown` when neither can be had now.
   */
  async #settle(self: LogWriter): Promise<void> {
    try {
      if (this.writer?.id === self.id) return await this.claim(self)
    } catch (error) {
      if (!(error instanceof SchemaLogError) || error.kind !== 'fenced') throw unknown(error)
    }
    await this.catchUp()
  }

  async #openProducer(): Promise<TransactionalProducer> {
    try {
      return await this.#client.openTransactionalProducer({
        transactionalId: `keyfold.registry.${this.#topic}`,
        transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
        partitions: [{ topic: this.#topic, partition: 0 }],
      })
    } catch (error) {
      throw new SchemaLogError('rejected', reasonOf(error), error)
    }
  }
}

function unknown(error: unknown): SchemaLogError {
  if (error instanceof SchemaLogError && error.kind === 'broken') return error
  return new SchemaLogError('unknown', reasonOf(error), error)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function isSame(record: LogWrite, write: LogWrite | undefined): boolean {
  if (!write?.key.equals(record.key)) return false
  return record.value === null || write.value === null ? record.value === write.value : record.value.equals(write.value)
}
