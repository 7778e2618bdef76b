import type { Command } from '@keyfold/eventsourcing'
import type { CommandOutcome } from '../command-outcome.ts'
import type { Extensions } from '../extensions.ts'

/** A command as it comes to its partition's writer. */
export interface CommandRequest {
  readonly command: Command
  /** The command's name. */
  readonly name: string
  /** The aggregate's id. */
  readonly key: string
  readonly commandId: string
  /** The caller chose the id, so a rejection must be found again by it. */
  readonly idGiven: boolean
  /** The id was made for this call, which has not been sent anywhere before: it need not be looked for. */
  readonly isFirstTry: boolean
  readonly fingerprint: string
  readonly expectedVersion: number | undefined
  readonly correlationId: string | undefined
  readonly causationId: string | undefined
  readonly extensions: Extensions
  readonly deadlineMs: number
}

/** A command on its way, with the caller who waits for it. */
export class PendingCommand {
  readonly request: CommandRequest
  readonly outcome: Promise<CommandOutcome>
  /** Later calls with the same command id: they get what this one gets. */
  readonly followers: PendingCommand[] = []
  /** The batches that it was written in; more than one after an unknown outcome. */
  readonly batchIds: string[] = []
  /** A batch with it may have been committed. */
  inDoubt = false
  /** Must be the only one of its batch. */
  alone = false
  readonly #resolve: (outcome: CommandOutcome) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #settled = false

  constructor(request: CommandRequest) {
    this.request = request
    const { promise, resolve } = Promise.withResolvers<CommandOutcome>()
    this.outcome = promise
    this.#resolve = resolve
  }

  /** The caller has an answer; the command may still be at work. */
  get settled(): boolean {
    return this.#settled
  }

  startDeadline(onDeadline: (pending: PendingCommand) => void): void {
    this.#timer = setTimeout(() => onDeadline(this), this.request.deadlineMs)
  }

  /** Answers the caller; only the first answer counts. */
  settle(outcome: CommandOutcome): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#timer)
    this.#resolve(outcome)
  }
}
