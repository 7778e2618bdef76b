import { AsyncLocalStorage } from 'node:async_hooks'
import type { ReadModelStore, TopicPartition } from '@keyfold/projections'
import { around } from './around-store.ts'

export interface TenuresOptions {
  /** A number that is higher than all before, whichever process asks. */
  readonly next: () => Promise<number>
  /** Called before the first write after a claim. */
  readonly claimed: (projector: string, partitions: readonly TopicPartition[]) => Promise<void>
  /** Called when a write is refused because somebody else has come since. */
  readonly refused: () => void
}

/**
 * Numbers the tenures of checkpoints among processes that share them, past Keyfold and its epochs: a claim takes the
 * next number, and whoever claims later has a higher one.
 */
export class Tenures {
  readonly #options: TenuresOptions
  readonly #current = new AsyncLocalStorage<number>()

  constructor(options: TenuresOptions) {
    this.#options = options
  }

  /** Of the transaction in which this is asked. */
  get current(): number | undefined {
    return this.#current.getStore()
  }

  of(store: ReadModelStore): ReadModelStore {
    return around(store, (real, { projector }) => {
      let tenure = 0
      return {
        claim: async (partitions) => {
          const checkpoints = await real.claim(partitions)
          // Asked for afterwards: from here on nobody who had it before can write.
          tenure = await this.#options.next()
          await this.#options.claimed(projector, partitions)
          return checkpoints
        },
        write: async (from, work) => {
          try {
            return await real.write(from, (tx) => this.#current.run(tenure, () => work(tx)))
          } catch (error) {
            if ((error as { readonly code?: unknown }).code === 'CHECKPOINT_FENCED') this.#options.refused()
            throw error
          }
        },
      }
    })
  }
}
