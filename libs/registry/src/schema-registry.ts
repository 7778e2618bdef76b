import type { CompatibilityLevel } from '@keyfold/avro'
import { withDeadline } from './deadline.ts'
import type { Decision } from './decisions/decision.ts'
import { applyRecord } from './log/record-verdict.ts'
import { type LogWriter, type SchemaLog, SchemaLogError } from './log/schema-log.ts'
import { SkippedRecords } from './log/skipped-records.ts'
import { type RegistryError, registryError } from './registry-error.ts'
import { RegistryState } from './state/registry-state.ts'

/** Receives what the registry has to say; silent when left out. */
export type RegistryLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void

export interface SchemaRegistryOptions {
  readonly log: SchemaLog
  /** Where other registries on the same log reach this one, such as `http://10.0.0.7:8081`. */
  readonly url: string
  /** For subjects without a level of their own, until a global one is set. Default BACKWARD_TRANSITIVE. */
  readonly compatibilityLevel?: CompatibilityLevel
  /** A change that takes longer, in milliseconds, is answered with 50002. Default 5,000. */
  readonly writeTimeoutMs?: number
  readonly tell?: RegistryLog
}

/** More changes than this waiting for their turn are refused. */
const WAITING_MAX = 1000
const WRITE_TIMEOUT_MS = 5000
const ATTEMPTS_MAX = 3

/**
 * The registry without its REST API: state for readers, and one change after the other. A change is decided on the
 * state, appended, seen in the log, and only then answered, so that whoever got an answer can read what it says.
 */
export class SchemaRegistry {
  readonly state: RegistryState
  /** The name of this process in the log. */
  readonly self: LogWriter
  readonly writeTimeoutMs: number
  readonly skipped: SkippedRecords
  readonly #log: SchemaLog
  readonly #tell: RegistryLog
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #claiming: Promise<void> | undefined
  #takeovers = 0
  #wasWriter = false

  private constructor(options: SchemaRegistryOptions) {
    this.#log = options.log
    this.#tell = options.tell ?? (() => undefined)
    this.state = new RegistryState(options.compatibilityLevel ?? 'BACKWARD_TRANSITIVE')
    this.self = { id: crypto.randomUUID(), url: options.url }
    this.writeTimeoutMs = options.writeTimeoutMs ?? WRITE_TIMEOUT_MS
    this.skipped = new SkippedRecords((message, fields) => this.#tell('warn', message, fields))
  }

  /**
   * Reads the log from the start, and becomes its writer unless another registry seems to be that: it is asked when the
   * first change comes. Errors are those of `SchemaLog.open`; a log that cannot be written to now can still be read.
   */
  static async open(options: SchemaRegistryOptions): Promise<SchemaRegistry> {
    const registry = new SchemaRegistry(options)
    await registry.#log.open((record) => {
      const reason = applyRecord(registry.state, record)
      if (reason) registry.skipped.add(reason, record.offset)
      registry.#noticeRole()
    })
    if (!registry.otherWriter) {
      await registry.claim('nobody else seems to write').catch((error: unknown) => {
        registry.#tell('warn', 'this registry cannot write yet: it tries again with the first change', { error })
      })
    }
    return registry
  }

  get isWriter(): boolean {
    return this.#log.isWriter
  }

  /** The registry that wrote last, as far as this one has read, unless it is this one. */
  get otherWriter(): LogWriter | undefined {
    const { writer } = this.#log
    return writer === undefined || writer.url === '' || writer.url === this.self.url ? undefined : writer
  }

  /** Why the log cannot be followed any more; undefined while it can. */
  get failure(): Error | undefined {
    return this.#log.failure
  }

  get position(): number {
    return this.#log.position
  }

  get takeovers(): number {
    return this.#takeovers
  }

  /** Runs one change, after all those before it. Throws what the decision throws, and 50001, 50002, 50004. */
  async change<Answer>(decide: (state: RegistryState) => Decision<Answer>): Promise<Answer> {
    if (!this.isWriter) throw this.failure ? storeError(this.failure) : registryError('notTheWriter')
    const progress: Progress = { step: 'waiting' }
    return this.#inTurn(progress, () => this.#run(decide, progress))
  }

  /**
   * Makes this process the writer, for whatever reason is given. Does nothing when it is that already. Throws 50001,
   * 50002, and 50004 when another one took over at the same time.
   */
  async claim(reason: string): Promise<void> {
    this.#claiming ??= this.#inTurn({ step: 'waiting' }, () => this.#claim(reason)).finally(() => {
      this.#claiming = undefined
    })
    return this.#claiming
  }

  /** Resolves once everything that is in the log now has been applied, true, or when that takes too long, false. */
  async catchUp(waitMs: number): Promise<boolean> {
    const seen = this.#log.catchUp().then(
      () => true,
      () => false,
    )
    return withDeadline(seen, waitMs, () => false)
  }

  /** Waits for the changes that were started, then closes the log. */
  async close(): Promise<void> {
    await this.#last
    await this.#log.close()
  }

  /** One thing after the other; whoever waits too long for a turn or an end is told what is known. */
  async #inTurn<Answer>(progress: Progress, work: () => Promise<Answer>): Promise<Answer> {
    if (this.#waiting >= WAITING_MAX) throw registryError('storeTimeout', `${WAITING_MAX} changes are waiting already`)
    this.#waiting++
    const turn = this.#last
      .then(() => {
        if (progress.step === 'late') throw registryError('storeTimeout', LATE.waiting)
        progress.step = 'running'
        return work()
      })
      .finally(() => this.#waiting--)
    this.#last = turn.catch(() => undefined)
    return withDeadline(turn, this.writeTimeoutMs, () => {
      const { step } = progress
      progress.step = 'late'
      throw registryError('storeTimeout', LATE[step])
    })
  }

  /** Decides again on the state as it is by then when the log took nothing of the first decision. */
  async #run<Answer>(decide: (state: RegistryState) => Decision<Answer>, progress: Progress): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      if (!this.isWriter) throw registryError('notTheWriter')
      const { writes, answer } = decide(this.state)
      if (writes.length === 0) return answer
      try {
        await this.#log.append(writes)
        return answer
      } catch (error) {
        this.#noticeRole()
        if (!(error instanceof SchemaLogError)) throw error
        if (error.kind !== 'rejected' || attempt === ATTEMPTS_MAX || progress.step === 'late') throw storeError(error)
      }
    }
  }

  async #claim(reason: string): Promise<void> {
    if (this.isWriter) return
    const before = this.otherWriter?.url
    try {
      await this.#log.claim(this.self)
    } catch (error) {
      throw error instanceof SchemaLogError ? storeError(error) : error
    }
    this.#takeovers++
    this.#wasWriter = true
    this.#tell('info', `this registry writes from now on: ${reason}`, { url: this.self.url, ...(before && { before }) })
  }

  #noticeRole(): void {
    if (!this.#wasWriter || this.isWriter) return
    this.#wasWriter = false
    const { url } = this.otherWriter ?? {}
    this.#tell('warn', 'this registry was fenced: it reads from now on, and passes changes to the one that writes', {
      writer: url ?? 'not known yet',
    })
  }
}

/** How far a change has come when its time is over. */
interface Progress {
  step: 'waiting' | 'running' | 'late'
}

const LATE: Readonly<Record<Progress['step'], string>> = {
  waiting: 'changes before this one have not ended; nothing of this one was written',
  running: 'the log did not answer in time; the change may still be written: read before you try again',
  late: 'the time was over before',
}

function storeError(error: Error): RegistryError {
  if (!(error instanceof SchemaLogError)) return registryError('storeFailed', error.message)
  if (error.kind === 'fenced') return registryError('notTheWriter')
  return registryError(error.kind === 'unknown' ? 'storeTimeout' : 'storeFailed', error.message)
}
