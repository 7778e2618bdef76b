/**
 * Everything in a simulation that could happen next waits here: actors, and operations of the disk. A seed decides what
 * does. Promise jobs between two turns always run in the same order, so that the seed decides everything.
 */
export class SimTurns {
  readonly #random: () => number
  #waiting: { readonly owner: object; readonly resume: () => void }[] = []

  constructor(random: () => number) {
    this.#random = random
  }

  get count(): number {
    return this.#waiting.length
  }

  /** Waits for a turn. The owner can be gone by then: see `forget`. */
  wait(owner: object): Promise<void> {
    return new Promise((resume) => this.#waiting.push({ owner, resume }))
  }

  /** Nothing that waits for this owner ever happens: its process is gone. */
  forget(owner: object): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.owner !== owner)
  }

  /** Gives one turn away and lets all that follows from it come to rest; says whose it was, -1 without any. */
  async step(): Promise<number> {
    const at = Math.floor(this.#random() * this.#waiting.length)
    const [next] = this.#waiting.splice(at, 1)
    next?.resume()
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    return next === undefined ? -1 : at
  }
}
