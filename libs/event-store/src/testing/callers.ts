import { expect, vi } from 'vitest'
import type { EventStore } from '../event-store.ts'
import { Note } from './counter.ts'

/** Enough that every partition has some. */
export const keys = Array.from({ length: 24 }, (_, index) => `key-${index}`)

const patience = { timeout: 60_000, interval: 10 }

/** Callers that never stop: each writes to one counter, through whichever instance there is. */
export class Callers {
  /** The longest that one waited for an answer since this was set to 0, in milliseconds. */
  slowestMs = 0
  readonly #stores: readonly EventStore[]
  readonly #done = new Map<
    string,
    { readonly commandId: string; readonly version: number; readonly offset: number }[]
  >()
  readonly #failed: unknown[] = []
  readonly #running: Promise<void>[]
  #stopped = false
  #count = 0

  constructor(stores: readonly EventStore[]) {
    this.#stores = stores
    this.#running = keys.map((key, index) => this.#call(key, index))
  }

  /** Until every caller has had some more answers. */
  async progress(): Promise<void> {
    const before = new Map(keys.map((key) => [key, this.#done.get(key)?.length ?? 0]))
    await vi.waitUntil(
      () =>
        this.#failed.length > 0 || keys.every((key) => (this.#done.get(key)?.length ?? 0) > (before.get(key) ?? 0) + 2),
      patience,
    )
  }

  /** Outcomes that were none: a caller that had one does not go on. */
  get failed(): readonly unknown[] {
    return this.#failed
  }

  async stop(): Promise<readonly unknown[]> {
    this.#stopped = true
    await Promise.all(this.#running)
    return this.#failed
  }

  /** What was answered is what is stored, no more and no less. */
  async expectAllStored(store: EventStore, topic: string): Promise<void> {
    for (const key of keys) {
      const stored = await store.readEvents({ topic, key, limit: 10_000 })
      const found = stored.map(({ commandId, aggregateVersion, offset }) => ({
        commandId,
        version: aggregateVersion,
        offset,
      }))
      expect(found).toEqual(this.#done.get(key))
    }
  }

  async #call(key: string, index: number): Promise<void> {
    while (!this.#stopped) {
      const commandId = `${key} ${this.#count++}`
      const store = this.#stores[(index + this.#count) % this.#stores.length]
      const askedAt = performance.now()
      const note = new Note({ id: key, text: '' })
      const outcome = await store?.execute(note, { commandId, deadlineMs: 30_000 })
      this.slowestMs = Math.max(this.slowestMs, performance.now() - askedAt)
      if (outcome === undefined) throw new TypeError('there is no store')
      if (outcome.kind !== 'committed' || outcome.position === null) {
        // A caller may have picked the instance that is closing.
        if (outcome.kind === 'failed' && outcome.error.code === 'EVENT_STORE_CLOSED') continue
        this.#failed.push(outcome)
        return
      }
      const { version, position } = outcome
      this.#done.set(key, [...(this.#done.get(key) ?? []), { commandId, version, offset: position.offset }])
    }
  }
}
