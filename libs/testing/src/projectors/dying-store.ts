import type { Checkpoint, Generation, ReadModelStore, Work } from '@keyfold/projections'

/** When a process dies: with everything done but the commit, or when the commit is done and nobody has heard of it. */
export type Death = 'before commit' | 'after commit'

/**
 * A store whose process dies at a write. From then on every write of that process is refused, as it is where nobody runs
 * any more. `revive` is the next process on the same read model. The store behind it stays open.
 */
export class DyingStore implements ReadModelStore {
  readonly supports: ReadModelStore['supports']
  readonly #store: ReadModelStore
  #next: Death | undefined
  #isDead = false

  constructor(store: ReadModelStore) {
    this.#store = store
    this.supports = { ...store.supports, scratch: false }
  }

  get isDead(): boolean {
    return this.#isDead
  }

  revive(next: Death | undefined): void {
    this.#isDead = false
    this.#next = next
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async projectors(): Promise<readonly string[]> {
    return await this.#store.projectors()
  }

  handle(serving: () => Generation): unknown {
    return this.#store.handle(serving)
  }

  async claim(projector: string): Promise<Awaited<ReturnType<ReadModelStore['claim']>>> {
    const model = await this.#store.claim(projector)
    const openGeneration = model.openGeneration.bind(model)
    model.openGeneration = async (number) => {
      const generation = await openGeneration(number)
      const write = generation.write.bind(generation)
      generation.write = (from, work) => this.#write(from, work, write)
      return generation
    }
    return model
  }

  async #write(from: Checkpoint, work: Work<unknown>, write: Generation['write']): Promise<number> {
    if (this.#isDead) throw dead()
    const position = await write(from, async (tx) => {
      const result = await work(tx)
      if (this.#next === 'before commit') this.#die()
      return result
    })
    if (this.#next === 'after commit') this.#die()
    return position
  }

  #die(): never {
    this.#isDead = true
    throw dead()
  }
}

/** With this code a runner stops at once instead of trying again. */
function dead(): Error {
  return Object.assign(new Error('the specification lets this process die'), { code: 'CHECKPOINT_FENCED' })
}
