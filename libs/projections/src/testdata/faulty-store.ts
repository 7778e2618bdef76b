import { KeyfoldError } from '@keyfold/eventsourcing'
import type { Offset } from '@keyfold/kafka'
import type { Checkpoint, Generation, ReadModel, ReadModelStore, Work } from '../read-model-store.ts'

/** Where the next write breaks: before it begins, when all is done but the commit, or after the commit. */
export type WriteFault = 'before' | 'within' | 'after'

/** A store whose writes fail as a test wants; what it does otherwise is what the store behind it does. */
export class FaultyStore implements ReadModelStore {
  /** Taken from the front, one per write. */
  readonly faults: (WriteFault | undefined)[] = []
  readonly supports: ReadModelStore['supports']
  readonly #store: ReadModelStore

  constructor(store: ReadModelStore) {
    this.#store = store
    this.supports = { ...store.supports, scratch: false }
  }

  open(): Promise<void> {
    return this.#store.open()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  projectors(): Promise<readonly string[]> {
    return this.#store.projectors()
  }

  handle(serving: () => Generation): unknown {
    return this.#store.handle(serving)
  }

  async claim(projector: string): Promise<ReadModel> {
    const model = await this.#store.claim(projector)
    const openGeneration = async (number: number): Promise<Generation> => {
      const generation = await model.openGeneration(number)
      const write = generation.write.bind(generation)
      generation.write = (from, work) => this.#write(from, work, write)
      return generation
    }
    return { ...bound(model), openGeneration }
  }

  async #write(from: Checkpoint, work: Work<unknown>, write: Generation['write']): Promise<Offset> {
    const fault = this.faults.shift()
    if (fault === 'before') throw broken(fault)
    const position = await write(from, async (tx) => {
      const reached = await work(tx)
      if (fault === 'within') throw broken(fault)
      return reached
    })
    if (fault === 'after') throw broken(fault)
    return position
  }
}

function broken(fault: WriteFault): Error {
  return new KeyfoldError('READ_MODEL_FAILED', { retriable: true, fix: 'none' }, `the test broke the write: ${fault}`)
}

/** Private members need the real object. */
function bound(model: ReadModel): Omit<ReadModel, 'openGeneration'> {
  return {
    projector: model.projector,
    ownerEpoch: model.ownerEpoch,
    record: () => model.record(),
    setStarted: () => model.setStarted(),
    setPaused: (paused) => model.setPaused(paused),
    createGeneration: (version) => model.createGeneration(version),
    activate: (generation) => model.activate(generation),
    reject: (generation) => model.reject(generation),
    drop: (generation) => model.drop(generation),
  }
}
