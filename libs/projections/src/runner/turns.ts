import { breathe } from '../clock.ts'

/**
 * Shares the event loop between everything that applies events here and the rest of the process, such as commands that
 * wait for their reply: nobody applies for longer than `turnMsMax` before the loop turns, and in each turn one goes on.
 */
export class Turns {
  readonly #turnMsMax: number
  #isOpen = false
  #endsAtMs = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(turnMsMax: number) {
    this.#turnMsMax = turnMsMax
  }

  /** Whether the present turn of the event loop has been used for long enough. */
  isOver(): boolean {
    const nowMs = performance.now()
    if (this.#isOpen) return nowMs >= this.#endsAtMs
    this.#isOpen = true
    this.#endsAtMs = nowMs + this.#turnMsMax
    setImmediate(() => (this.#isOpen = false))
    return false
  }

  /** Waits for a turn of its own, behind those that asked before, and answers the milliseconds that it took. */
  async next(): Promise<number> {
    const startedMs = performance.now()
    const turn = this.#last.then(breathe)
    this.#last = turn
    await turn
    return performance.now() - startedMs
  }
}
