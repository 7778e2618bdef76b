interface Alarm {
  readonly atMs: number
  readonly run: () => void
}

/** A clock that stands still until a test moves it. */
export class FakeClock {
  #nowMs: number
  readonly #alarms = new Set<Alarm>()

  constructor(start: string | number | Date = '2026-01-01T00:00:00.000Z') {
    this.#nowMs = new Date(start).getTime()
  }

  now(): Date {
    return new Date(this.#nowMs)
  }

  nowMs(): number {
    return this.#nowMs
  }

  /** Calls `run` once when the clock has been moved so far. Answers how to call it off. */
  after(ms: number, run: () => void): () => void {
    const alarm = { atMs: this.#nowMs + ms, run }
    this.#alarms.add(alarm)
    return () => this.#alarms.delete(alarm)
  }

  /** Moves the clock; alarms on the way ring in their order, each at its own time. */
  advance(ms: number): void {
    const end = this.#nowMs + ms
    for (;;) {
      const [next] = [...this.#alarms].filter(({ atMs }) => atMs <= end).toSorted((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#alarms.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
    }
    this.#nowMs = end
  }
}
