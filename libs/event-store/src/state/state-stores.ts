import type { AggregateStore, AggregateStores, StoreIdentity } from './aggregate-store.ts'
import { MemoryAggregateStores } from './memory-aggregate-store.ts'

/** A partition whose store fails more often than this does without: its disk is full, or worse. */
const failuresMax = 2

/**
 * The stores of an event store's partitions. A store is a cache: where it cannot be had, a partition is kept in memory,
 * and the log says so.
 */
export class StateStores {
  readonly #stores: AggregateStores
  readonly #memory = new MemoryAggregateStores()
  readonly #warn: (message: string) => void
  readonly #failures = new Map<string, number>()

  constructor(stores: AggregateStores | undefined, warn: (message: string) => void) {
    this.#stores = stores ?? this.#memory
    this.#warn = warn
  }

  open(identity: StoreIdentity): AggregateStore {
    const place = `${identity.topic}/${identity.partition}`
    if ((this.#failures.get(place) ?? 0) > failuresMax) return this.#memory.open(identity)
    try {
      return this.#stores.open(identity)
    } catch (error) {
      this.#failures.set(place, failuresMax + 1)
      this.#warn(`${place} is kept in memory, its local store cannot be opened: ${String(error)}`)
      return this.#memory.open(identity)
    }
  }

  /** The store was lost while it was in use. */
  failed(topic: string, partition: number, error: unknown): void {
    const place = `${topic}/${partition}`
    const failures = (this.#failures.get(place) ?? 0) + 1
    this.#failures.set(place, failures)
    const then = failures > failuresMax ? 'it is kept in memory from now on' : 'it is opened again'
    this.#warn(`the local store of ${place} was lost, ${then}: ${String(error)}`)
  }
}
