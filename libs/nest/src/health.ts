import type { ProjectorStatus } from '@keyfold/projections'
import { Inject, Injectable } from '@nestjs/common'
import { KeyfoldRuntime } from './keyfold-runtime.ts'

/** What a health endpoint needs to know; made to be returned from `@nestjs/terminus` or a controller of one's own. */
export interface KeyfoldHealth {
  readonly status: 'up' | 'down'
  readonly projectors: readonly ProjectorHealth[]
}

export interface ProjectorHealth {
  readonly name: string
  readonly state: string
  readonly lagRecords: number
}

/** A result in the shape of `@nestjs/terminus`: the status and its particulars under a key. */
export type HealthResult = Readonly<
  Record<string, { readonly status: 'up' | 'down' } & Readonly<Record<string, unknown>>>
>

/**
 * Health for `@nestjs/terminus` (`() => keyfold.ready()` in `health.check([…])`) or any controller; it needs no package.
 * Three questions, three answers: whether the process is to be restarted (`live`), whether it may get requests
 * (`ready`), whether it has started at all (`startup`).
 */
@Injectable()
export class KeyfoldHealthIndicator {
  readonly #runtime: KeyfoldRuntime
  /** Read models that have been at the end of the log once: catching up later is no reason to take requests away. */
  readonly #caughtUp = new Set<string>()

  constructor(@Inject(KeyfoldRuntime) runtime: KeyfoldRuntime) {
    this.#runtime = runtime
  }

  /** Down when a projector has failed; a projector that is behind is up, and its lag says how far. */
  check(): KeyfoldHealth {
    const projectors = this.#statuses().map(projectorHealth)
    return { status: projectors.some(({ state }) => state === 'failed') ? 'down' : 'up', projectors }
  }

  /** Down when something has stopped that only a new process brings back: the bundled broker. */
  live(key = 'keyfold'): HealthResult {
    const { failure, started } = this.#runtime.condition
    const isLost = started && failure !== undefined
    return { [key]: isLost ? { status: 'down', error: String(failure) } : { status: 'up' } }
  }

  /** Up once everything has started. */
  startup(key = 'keyfold'): HealthResult {
    const { started, failure } = this.#runtime.condition
    if (started) return { [key]: { status: 'up' } }
    return { [key]: { status: 'down', ...(failure && { error: String(failure) }) } }
  }

  /**
   * Up when requests can be answered: started and not stopping, the cluster answers within `timeoutMs`, no projector has
   * failed, and every read model has been at the end of the log once (`readiness: 'started'` does not wait for that).
   */
  async ready(key = 'keyfold', { timeoutMs = 2_000 }: { readonly timeoutMs?: number } = {}): Promise<HealthResult> {
    const reasons = await this.#unready(timeoutMs)
    return { [key]: reasons.length === 0 ? { status: 'up' } : { status: 'down', reasons } }
  }

  /** Down when a read model is more than so many records behind, or has failed. */
  projectorLag(maxRecords: number, key = 'projectors'): HealthResult {
    const projectors = this.#statuses().map(projectorHealth)
    const isDown = projectors.some(({ lagRecords, state }) => lagRecords > maxRecords || state === 'failed')
    const byName = Object.fromEntries(projectors.map(({ name, ...rest }) => [name, rest]))
    return { [key]: { status: isDown ? 'down' : 'up', maxRecords, projectors: byName } }
  }

  async #unready(timeoutMs: number): Promise<readonly string[]> {
    const { started, stopping, failure } = this.#runtime.condition
    if (!started) return [failure === undefined ? 'has not started yet' : String(failure)]
    if (stopping) return ['is stopping']
    if (failure !== undefined) return [String(failure)]
    const cluster = await answers(this.#runtime.kafka.cluster(), timeoutMs)
    return [...(cluster === undefined ? [] : [`the cluster does not answer: ${cluster}`]), ...this.#behind()]
  }

  #behind(): readonly string[] {
    const waits = this.#runtime.options.readiness !== 'started'
    return this.#statuses().flatMap(({ projector, state, error }) => {
      if (state === 'live') this.#caughtUp.add(projector)
      if (state === 'failed') return [`${projector} has failed: ${String(error ?? 'see its partitions')}`]
      return waits && state === 'catching-up' && !this.#caughtUp.has(projector) ? [`${projector} is catching up`] : []
    })
  }

  /** A process without projections has none that could be behind. */
  #statuses(): readonly ProjectorStatus[] {
    const { started } = this.#runtime.condition
    const { role } = this.#runtime.options
    return started && role !== 'none' && role !== 'api' ? this.#runtime.projections.status() : []
  }
}

function projectorHealth({ projector: name, state, partitions }: ProjectorStatus): ProjectorHealth {
  return { name, state, lagRecords: partitions.reduce((sum, { lag }) => sum + lag, 0) }
}

/** Why something did not answer in time; undefined when it did. */
async function answers(question: Promise<unknown>, timeoutMs: number): Promise<string | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(() => resolve(`${timeoutMs} ms`), timeoutMs)
  const answered = question.then(
    () => undefined,
    (error: unknown) => String(error),
  )
  try {
    return await Promise.race([answered, late])
  } finally {
    clearTimeout(timer)
  }
}
