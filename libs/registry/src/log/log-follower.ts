import type { KafkaClient, PartitionReader, StoredRecord } from '@keyfold/kafka'
import type { LogRecord } from '../state/schema-record.ts'
import { type LogWriter, SchemaLogError } from './schema-log.ts'
import { writerOf } from './writer-headers.ts'

/** How long one fetch waits for news; it answers at once when there are some. */
const FOLLOW_WAIT_MS = 500

/** Reads the topic from its start and never stops: what is applied, by whom it was written, who waits for what. */
export class LogFollower {
  readonly #client: KafkaClient
  readonly #topic: string
  readonly #hearers: Hearers
  #reader: PartitionReader | undefined
  #following: Promise<void> | undefined
  #waiting: Waiting[] = []
  #writer: LogWriter | undefined
  #failure: SchemaLogError | undefined
  #position = 0
  #closed = false

  constructor(client: KafkaClient, topic: string, hearers: Hearers) {
    this.#client = client
    this.#topic = topic
    this.#hearers = hearers
  }

  get position(): number {
    return this.#position
  }

  get writer(): LogWriter | undefined {
    return this.#writer
  }

  get failure(): SchemaLogError | undefined {
    return this.#failure
  }

  /** Resolves when everything that was there has been applied; goes on by itself. */
  async start(): Promise<void> {
    const [fromOffset = 0] = await this.#client.startOffsets(this.#topic)
    const place = { topic: this.#topic, partition: 0 }
    const reader = this.#client.openPartitionReader({ ...place, fromOffset, isolation: 'committed' })
    this.#reader = reader
    // A reader whose first fetch is late says "nothing yet" like one at the end: only the end itself can tell.
    const [end = 0] = await this.#client.endOffsets(this.#topic, 'committed')
    while (this.#position < end) await this.#readOn(reader, FOLLOW_WAIT_MS)
    this.#following = this.#follow(reader)
  }

  /** Resolves when the record at the offset was applied. Throws when the log cannot be followed any more. */
  applied(offset: number): Promise<void> {
    if (offset < this.#position) return Promise.resolve()
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => this.#waiting.push({ offset, resolve, reject }))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopWaiting(new SchemaLogError('broken', 'the log is closed'))
    await this.#reader?.close()
    await this.#following
  }

  async #follow(reader: PartitionReader): Promise<void> {
    try {
      while (!this.#closed) await this.#readOn(reader, FOLLOW_WAIT_MS)
    } catch (error) {
      if (this.#closed) return
      const reason = error instanceof Error ? error.message : String(error)
      this.#failure = new SchemaLogError('broken', `topic ${this.#topic} cannot be read: ${reason}`, error)
      this.#stopWaiting(this.#failure)
    }
  }

  /** Applies the next records. */
  async #readOn(reader: PartitionReader, maxWaitMs: number): Promise<void> {
    const batch = await reader.next({ maxWaitMs })
    for (const record of batch.records) this.#take(record)
    this.#position = batch.position
    const done = this.#waiting.filter(({ offset }) => offset < this.#position)
    this.#waiting = this.#waiting.filter(({ offset }) => offset >= this.#position)
    for (const waiting of done) waiting.resolve()
  }

  #take({ key, value, offset, timestampMs, headers }: StoredRecord): void {
    const writer = writerOf({ headers })
    if (writer && (writer.id !== this.#writer?.id || writer.url !== this.#writer.url)) {
      this.#writer = writer
      this.#hearers.onWriter(writer)
    }
    this.#hearers.apply({ key: key ?? NO_KEY, value, offset, timestampMs })
  }

  #stopWaiting(error: SchemaLogError): void {
    for (const waiting of this.#waiting) waiting.reject(error)
    this.#waiting = []
  }
}

/** A record without a key is no record of this log; no key of the log is empty. */
const NO_KEY = Buffer.alloc(0)

interface Hearers {
  apply(record: LogRecord): void
  /** Called when a record bears another name than the one before it. */
  onWriter(writer: LogWriter): void
}

interface Waiting {
  readonly offset: number
  resolve(): void
  reject(error: SchemaLogError): void
}
