import { HEADERS } from '@keyfold/event-store'
import type { ProjectionContext } from '@keyfold/eventsourcing'
import { headerText, type Offset, type StoredRecord } from '@keyfold/kafka'

/** An event's surroundings, each read from the record only when a handler looks at it. */
export class StoredEventContext implements ProjectionContext {
  readonly tx: unknown
  readonly type: string
  readonly subIndex: number
  readonly #record: StoredRecord
  #headers: Readonly<Record<string, string>> | undefined

  constructor(record: StoredRecord, type: string, { subIndex, tx }: Pick<ProjectionContext, 'subIndex' | 'tx'>) {
    this.#record = record
    this.type = type
    this.subIndex = subIndex
    this.tx = tx
  }

  get key(): string {
    return this.#record.key?.toString() ?? ''
  }

  get version(): number {
    const text = headerText(this.#record, HEADERS.version)
    if (text === undefined) throw new TypeError(`the record has no header ${HEADERS.version}: no event store wrote it`)
    return Number(text)
  }

  get topic(): string {
    return this.#record.topic
  }

  get partition(): number {
    return this.#record.partition
  }

  get offset(): Offset {
    return this.#record.offset
  }

  get time(): Date {
    return new Date(this.#record.timestampMs)
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= textsOf(this.#record.headers))
  }
}

/** The type that a record's header names; undefined when it has none. */
export function eventTypeOf(record: StoredRecord): string | undefined {
  return headerText(record, HEADERS.type)
}

function textsOf(headers: StoredRecord['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.toString()]))
}
