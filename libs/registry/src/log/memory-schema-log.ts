import type { LogRecord, LogWrite } from '../state/schema-record.ts'
import { type SchemaLog, SchemaLogError } from './schema-log.ts'

/** The records that several logs share, as processes share a topic. */
export class MemorySchemaTopic {
  readonly records: LogRecord[] = []
  writer: MemorySchemaLog | undefined
  readonly followers = new Set<(record: LogRecord) => void>()
}

/** A log in memory: for tests and for registries that may forget. */
export class MemorySchemaLog implements SchemaLog {
  readonly #topic: MemorySchemaTopic
  readonly #now: () => number
  #follow: ((record: LogRecord) => void) | undefined

  constructor(topic = new MemorySchemaTopic(), now: () => number = Date.now) {
    this.#topic = topic
    this.#now = now
  }

  open(apply: (record: LogRecord) => void): Promise<void> {
    this.#topic.writer = this
    this.#follow = apply
    this.#topic.records.forEach(apply)
    this.#topic.followers.add(apply)
    return Promise.resolve()
  }

  append(writes: readonly LogWrite[]): Promise<number> {
    if (this.#topic.writer !== this)
      return Promise.reject(new SchemaLogError('fenced', 'another log was opened as the writer'))
    for (const { key, value } of writes) {
      const record = { key, value, offset: this.#topic.records.length, timestampMs: this.#now() }
      this.#topic.records.push(record)
      for (const follow of this.#topic.followers) follow(record)
    }
    return Promise.resolve(this.#topic.records.length - 1)
  }

  close(): Promise<void> {
    if (this.#follow) this.#topic.followers.delete(this.#follow)
    if (this.#topic.writer === this) this.#topic.writer = undefined
    return Promise.resolve()
  }
}
