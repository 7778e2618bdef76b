import type { Isolation, Offset, RecordToWrite, StoredRecord } from '@keyfold/kafka'

/** A transaction on an in-memory log: its records are there at once, and visible once it is decided. */
export interface InMemoryTransaction {
  state: 'open' | 'committed' | 'aborted'
}

interface Entry {
  readonly offset: Offset
  /** Undefined for the marker that ends a transaction: it takes an offset and is never handed out. */
  readonly record: StoredRecord | undefined
  readonly transaction: InMemoryTransaction | undefined
}

/** One partition's log as a broker keeps it: markers take offsets, an open transaction holds back what follows it. */
export class InMemoryPartition {
  readonly topic: string
  readonly partition: number
  #entries: Entry[] = []
  #start: Offset = 0
  #end: Offset = 0
  /** Every entry below it belongs to no open transaction. */
  #decided: Offset = 0
  readonly #arrivals = new Set<() => void>()

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get startOffset(): Offset {
    return this.#start
  }

  /** Appends records and answers the offset of the first. */
  append(records: readonly RecordToWrite[], transaction?: InMemoryTransaction): Offset {
    const base = this.#end
    for (const record of records) {
      const offset = this.#end++
      const stored = storedRecord({ topic: this.topic, partition: this.partition, offset }, record)
      this.#entries.push({ offset, record: stored, transaction })
    }
    this.#announce()
    return base
  }

  /** Appends the marker of a decided transaction. */
  mark(transaction: InMemoryTransaction): void {
    this.#entries.push({ offset: this.#end++, record: undefined, transaction })
    this.#announce()
  }

  endOffset(isolation: Isolation): Offset {
    if (isolation === 'uncommitted') return this.#end
    while (this.#decided < this.#end && this.#at(this.#decided)?.transaction?.state !== 'open') this.#decided += 1
    return this.#decided
  }

  /** Forgets what lies before the offset, as retention does. */
  deleteBefore(offset: Offset): void {
    this.#start = Math.max(this.#start, offset)
    this.#entries = this.#entries.filter((entry) => entry.offset >= this.#start)
    this.#decided = Math.max(this.#decided, this.#start)
  }

  /** The visible records from an offset on, until they have so many bytes, and where to go on. */
  read(from: Offset, isolation: Isolation, maxBytes: number): { records: StoredRecord[]; position: Offset } {
    const end = this.endOffset(isolation)
    const records: StoredRecord[] = []
    let bytes = 0
    let position = Math.min(from, end)
    while (position < end && (bytes === 0 || bytes < maxBytes)) {
      const { record, transaction } = this.#at(position) ?? {}
      position += 1
      if (record === undefined || (isolation === 'committed' && transaction?.state === 'aborted')) continue
      records.push(record)
      bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
    }
    return { records, position: Math.max(position, from) }
  }

  /** Every offset from the start on has an entry. */
  #at(offset: Offset): Entry | undefined {
    return this.#entries[offset - this.#start]
  }

  /** Resolves at the next append or decision, or after so many milliseconds. Answers how to stop waiting. */
  arrival(maxWaitMs: number): { readonly arrived: Promise<void>; readonly cancel: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const done = (): void => {
      clearTimeout(timer)
      this.#arrivals.delete(done)
      resolve()
    }
    const timer = setTimeout(done, maxWaitMs)
    this.#arrivals.add(done)
    return { arrived: promise, cancel: done }
  }

  /** Wakes everybody who waits for an arrival. */
  #announce(): void {
    for (const arrived of this.#arrivals) arrived()
  }
}

function storedRecord(
  place: { readonly topic: string; readonly partition: number; readonly offset: Offset },
  { key, value, headers = {}, timestampMs = Date.now() }: RecordToWrite,
): StoredRecord {
  const stored = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const)
  return { ...place, key, value, timestampMs, headers: Object.fromEntries(stored) }
}
