import type { CompatibilityLevel } from '@keyfold/avro'
import type { Decision } from './decisions/decision.ts'
import { type SchemaLog, SchemaLogError } from './log/schema-log.ts'
import { type RegistryError, registryError } from './registry-error.ts'
import { RegistryState } from './state/registry-state.ts'

export interface SchemaRegistryOptions {
  readonly log: SchemaLog
  /** For subjects without a level of their own, until a global one is set. Default BACKWARD_TRANSITIVE. */
  readonly compatibilityLevel?: CompatibilityLevel
}

/** More changes than this waiting for their turn are refused. */
const WAITING_MAX = 1000

/**
 * The registry without its REST API: state for readers, and one change after the other. A change is decided on the
 * state, appended, seen in the log, and only then answered, so that whoever got an answer can read what it says.
 */
export class SchemaRegistry {
  readonly state: RegistryState
  readonly #log: SchemaLog
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  private constructor(log: SchemaLog, state: RegistryState) {
    this.#log = log
    this.state = state
  }

  /** Takes over the log and reads it from the start. Errors are those of `SchemaLog.open`. */
  static async open({
    log,
    compatibilityLevel = 'BACKWARD_TRANSITIVE',
  }: SchemaRegistryOptions): Promise<SchemaRegistry> {
    const state = new RegistryState(compatibilityLevel)
    await log.open((record) => state.apply(record))
    return new SchemaRegistry(log, state)
  }

  /** Runs one change, after all those before it. Throws what the decision throws, and 50001, 50002, 50004. */
  async change<Answer>(decide: (state: RegistryState) => Decision<Answer>): Promise<Answer> {
    if (this.#waiting >= WAITING_MAX) throw registryError('storeTimeout', `${WAITING_MAX} changes are waiting already`)
    this.#waiting++
    const turn = this.#last.then(() => this.#run(decide)).finally(() => this.#waiting--)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  /** Waits for the changes that were started, then closes the log. */
  async close(): Promise<void> {
    await this.#last
    await this.#log.close()
  }

  /** Decides again on the state as it is by then when the log took nothing of the first decision. */
  async #run<Answer>(decide: (state: RegistryState) => Decision<Answer>): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const { writes, answer } = decide(this.state)
      if (writes.length === 0) return answer
      try {
        await this.#log.append(writes)
        return answer
      } catch (error) {
        if (!(error instanceof SchemaLogError)) throw error
        if (error.kind !== 'rejected' || attempt === ATTEMPTS_MAX) throw storeError(error)
      }
    }
  }
}

const ATTEMPTS_MAX = 3

function storeError(error: SchemaLogError): RegistryError {
  if (error.kind === 'fenced') return registryError('notTheWriter')
  return registryError(error.kind === 'unknown' ? 'storeTimeout' : 'storeFailed', error.message)
}
