import type { Log } from './logging.ts'

/** `workers` stop while HTTP still answers, `base` after it. */
export type Stage = 'workers' | 'base'

interface Closer {
  readonly what: string
  readonly stage: Stage
  readonly close: () => Promise<void>
}

/** Everything that was opened, to be closed in reverse; what hangs or fails does not hold up the rest. */
export class Closers {
  readonly #closers: Closer[] = []
  readonly #deadlineMs: number
  readonly #log: Log

  constructor(deadlineMs: number, log: Log) {
    this.#deadlineMs = deadlineMs
    this.#log = log
  }

  add(what: string, stage: Stage, close: () => Promise<void>): void {
    this.#closers.push({ what, stage, close })
  }

  /** Closes the workers, or everything that is left. */
  async close(stage: 'workers' | 'all'): Promise<void> {
    for (let index = this.#closers.length - 1; index >= 0; index -= 1) {
      const closer = this.#closers[index]
      if (closer === undefined || (stage === 'workers' && closer.stage !== 'workers')) continue
      this.#closers.splice(index, 1)
      await this.#closeOne(closer)
    }
  }

  async #closeOne({ what, close }: Closer): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<'late'>()
    const timer = setTimeout(() => resolve('late'), this.#deadlineMs)
    try {
      const end = await Promise.race([close(), late])
      if (end === 'late') this.#log('warn', `${what} did not stop within ${this.#deadlineMs} ms; the rest is stopped`)
    } catch (error) {
      this.#log('error', `${what} did not stop cleanly`, { error: String(error) })
    } finally {
      clearTimeout(timer)
    }
  }
}
