import type { StoredAggregate } from '../state/aggregate-store.ts'

/** What is known of one aggregate. */
export interface AggregateMemory {
  state: unknown
  /** How many events it has. */
  version: number
  /** Of its last committed event; null when it has none. */
  lastOffset: number | null
  /** Roughly what it takes. */
  bytes: number
}

export interface CacheLimits {
  /** Aggregates in memory. */
  readonly cachedAggregates: number
  /** Their bytes, roughly. */
  readonly cachedBytes: number
}

/** Aggregates in memory, least used first. Those that have changed since they were stored cannot leave. */
export class AggregateCache {
  readonly #limits: CacheLimits
  readonly #entries = new Map<string, AggregateMemory>()
  #changed = new Map<string, AggregateMemory>()
  #newest: string | undefined
  #bytes = 0

  constructor(limits: CacheLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  get changedCount(): number {
    return this.#changed.size
  }

  get isOverBound(): boolean {
    return this.#entries.size > this.#limits.cachedAggregates || this.#bytes > this.#limits.cachedBytes
  }

  get(key: string): AggregateMemory | undefined {
    const found = this.#entries.get(key)
    if (found !== undefined && key !== this.#newest) {
      this.#entries.delete(key)
      this.#entries.set(key, found)
      this.#newest = key
    }
    return found
  }

  put(key: string, memory: AggregateMemory): void {
    this.#entries.set(key, memory)
    this.#newest = key
    this.#bytes += memory.bytes
  }

  drop(key: string): void {
    const found = this.#entries.get(key)
    if (found === undefined || !this.#entries.delete(key)) return
    this.#changed.delete(key)
    this.#bytes -= found.bytes
  }

  changed(key: string, memory: AggregateMemory): void {
    this.#changed.set(key, memory)
  }

  /** What the store has to learn; corrects what is known of their size. */
  changedStates(text: (state: unknown) => string): ReadonlyMap<string, StoredAggregate> {
    const stored = new Map<string, StoredAggregate>()
    for (const [key, memory] of this.#changed) {
      const { version, lastOffset } = memory
      if (lastOffset === null) continue
      const state = text(memory.state)
      stored.set(key, { state, version, lastOffset })
      const bytes = 512 + state.length * 2
      this.#bytes += bytes - memory.bytes
      memory.bytes = bytes
    }
    return stored
  }

  /** What has changed is stored: lets the least used go until the bounds are kept. */
  saved(): void {
    this.#changed = new Map()
    for (const [key, { bytes }] of this.#entries) {
      if (!this.isOverBound) break
      this.#entries.delete(key)
      this.#bytes -= bytes
    }
    this.#newest = undefined
  }
}
