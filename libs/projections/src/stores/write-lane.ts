/** Runs jobs one after the other, in the order in which they came. */
export class WriteLane {
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  async run<Result>(job: () => Result | Promise<Result>): Promise<Result> {
    const before = this.#waiting === 0 ? undefined : this.#last
    const turn = this.#takeTurn(before, job)
    this.#last = turn.catch(() => undefined)
    return await turn
  }

  /** Resolves when no job is under way any more. */
  async idle(): Promise<void> {
    while (this.#waiting > 0) await this.#last
  }

  async #takeTurn<Result>(before: Promise<unknown> | undefined, job: () => Result | Promise<Result>): Promise<Result> {
    this.#waiting += 1
    try {
      if (before !== undefined) await before
      return await job()
    } finally {
      this.#waiting -= 1
    }
  }
}
