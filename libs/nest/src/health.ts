import { Inject, Injectable } from '@nestjs/common'
import { KeyfoldRuntime } from './keyfold-runtime.ts'

/** What a health endpoint needs to know; made to be returned from `@nestjs/terminus` or a controller of one's own. */
export interface KeyfoldHealth {
  readonly status: 'up' | 'down'
  readonly projectors: readonly { readonly name: string; readonly state: string; readonly lagRecords: number }[]
}

@Injectable()
export class KeyfoldHealthIndicator {
  readonly #runtime: KeyfoldRuntime

  constructor(@Inject(KeyfoldRuntime) runtime: KeyfoldRuntime) {
    this.#runtime = runtime
  }

  /** Down when a projector has failed; a projector that is behind is up, and its lag says how far. */
  check(): KeyfoldHealth {
    const projectors = this.#runtime.projections.status().map(({ projector, state, partitions }) => ({
      name: projector,
      state,
      lagRecords: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    }))
    return { status: projectors.some(({ state }) => state === 'failed') ? 'down' : 'up', projectors }
  }
}
