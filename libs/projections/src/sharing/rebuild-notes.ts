import { type Clock, pauseFor } from '../clock.ts'
import type { Progress } from '../rebuild/progress.ts'

export interface RebuildNotesOptions {
  readonly clock: Clock
  /** Between two notes, in milliseconds. */
  readonly everyMs: number
  readonly write: (progress: Progress) => Promise<void>
}

/** Notes how far a rebuild is: the newest report, one note at a time; one that could not be written is tried again. */
export class RebuildNotes {
  readonly #options: RebuildNotesOptions
  readonly #ending = new AbortController()
  #newest: Progress | undefined
  #writing: Promise<void> | undefined

  constructor(options: RebuildNotesOptions) {
    this.#options = options
  }

  note(progress: Progress): void {
    this.#newest = progress
    this.#writing ??= this.#write()
  }

  /** Writes no more once this has resolved. */
  async end(): Promise<void> {
    this.#ending.abort()
    await this.#writing
  }

  async #write(): Promise<void> {
    const { clock, everyMs, write } = this.#options
    while (this.#newest !== undefined && !this.#ending.signal.aborted) {
      const progress = this.#newest
      this.#newest = undefined
      await write(progress).catch(() => (this.#newest ??= progress))
      await pauseFor(clock, everyMs, this.#ending.signal)
    }
    this.#writing = undefined
  }
}
