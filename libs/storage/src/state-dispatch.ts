import { assert, StorageError } from './errors.ts'
import type { JournaledState } from './state.ts'

/** Which state applies which entry kind, and all states of a checkpoint. */
export class StateDispatch {
  readonly #states: readonly JournaledState[]
  readonly #byKind = new Map<number, JournaledState>()

  constructor(states: readonly JournaledState[]) {
    this.#states = states
    const names = new Set<string>()
    for (const state of states) {
      assert(!names.has(state.name), `state names are unique (${state.name})`)
      names.add(state.name)
      for (const kind of state.kinds) {
        assert(kind > 0 && kind < 256 && !this.#byKind.has(kind), `entry kind ${kind} belongs to one state`)
        this.#byKind.set(kind, state)
      }
    }
  }

  apply(kind: number, payload: Buffer, lsn: number): void {
    const state = this.#byKind.get(kind)
    if (state === undefined) {
      throw new StorageError('FORMAT_UNSUPPORTED', `journal entry ${lsn} is of kind ${kind}, which nothing here reads`)
    }
    state.apply(kind, payload, lsn)
  }

  snapshots(): Map<string, Buffer> {
    return new Map(this.#states.map((state) => [state.name, state.snapshot()]))
  }

  restore(snapshots: ReadonlyMap<string, Buffer>): void {
    const known = new Set(this.#states.map((state) => state.name))
    for (const name of snapshots.keys()) {
      if (known.has(name)) continue
      throw new StorageError('FORMAT_UNSUPPORTED', `the checkpoint has a state '${name}', which nothing here reads`)
    }
    for (const state of this.#states) {
      const snapshot = snapshots.get(state.name)
      if (snapshot !== undefined) state.restore(snapshot)
    }
  }
}
