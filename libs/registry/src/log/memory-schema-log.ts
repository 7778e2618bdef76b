import type { LogRecord, LogWrite } from '../state/schema-record.ts'
import { type LogWriter, type SchemaLog, SchemaLogError } from './schema-log.ts'

/** The records that several logs share, as processes share a topic. */
export class MemorySchemaTopic {
  readonly records: LogRecord[] = []
  writing: MemorySchemaLog | undefined
  writer: LogWriter | undefined
  readonly followers = new Set<(record: LogRecord) => void>()
}

/** A log in memory: for tests and for registries that may forget. */
export class MemorySchemaLog implements SchemaLog {
  readonly failure = undefined
  readonly #topic: MemorySchemaTopic
  readonly #now: () => number
  #follow: ((record: LogRecord) => void) | undefined

  constructor(topic = new MemorySchemaTopic(), now: () => number = Date.now) {
    this.#topic = topic
    this.#now = now
  }

  get writer(): LogWriter | undefined {
    return this.#topic.writer
  }

  get isWriter(): boolean {
    return this.#topic.writing === this
  }

  get position(): number {
    return this.#topic.records.length
  }

  open(apply: (record: LogRecord) => void): Promise<void> {
    this.#follow = apply
    this.#topic.records.forEach(apply)
    this.#topic.followers.add(apply)
    return Promise.resolve()
  }

  claim(self: LogWriter): Promise<void> {
    this.#topic.writing = this
    this.#topic.writer = self
    return Promise.resolve()
  }

  append(writes: readonly LogWrite[]): Promise<number> {
    if (!this.isWriter) return Promise.reject(new SchemaLogError('fenced', 'this log is not the one that writes'))
    for (const { key, value } of writes) {
      const record = { key, value, offset: this.#topic.records.length, timestampMs: this.#now() }
      this.#topic.records.push(record)
      for (const follow of this.#topic.followers) follow(record)
    }
    return Promise.resolve(this.#topic.records.length - 1)
  }

  catchUp(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    if (this.#follow) this.#topic.followers.delete(this.#follow)
    if (this.isWriter) {
      this.#topic.writing = undefined
      this.#topic.writer = undefined
    }
    return Promise.resolve()
  }
}
