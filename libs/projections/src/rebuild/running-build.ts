import type { Progress } from './progress.ts'
import type { Release } from './rebuild.ts'

export interface RebuildOptions {
  /** Events per second at most, over all partitions. Left out: as fast as it goes. */
  readonly eventsPerSecondMax?: number | undefined
  /** `manual`: when it is verified it waits, following the log, until `swap` is called. Default `auto`. */
  readonly switch?: 'auto' | 'manual' | undefined
}

/** A generation under construction, as those who wait for it or want to end it see it. */
export class RunningBuild {
  readonly abort = new AbortController()
  /** Raised when nobody wants it any more: what there is of it is deleted. */
  cancelled = false
  progress: Progress | undefined
  readonly release: Release | undefined
  readonly #release = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()

  constructor(options: RebuildOptions) {
    if (options.switch !== 'manual') return
    const { promise } = this.#release
    this.release = { given: false, promise }
  }

  get ended(): Promise<void> {
    return this.#ended.promise
  }

  get isReady(): boolean {
    return this.progress?.phase === 'ready'
  }

  /** It serves, and what it has replaced is being put away. */
  get hasSwitched(): boolean {
    return this.progress?.phase === 'switched'
  }

  /** Lets it serve as soon as it is verified. */
  giveRelease(): void {
    if (this.release !== undefined) this.release.given = true
    this.#release.resolve()
  }

  cancel(): void {
    this.cancelled = true
    this.abort.abort()
  }

  end(): void {
    this.#ended.resolve()
  }
}
