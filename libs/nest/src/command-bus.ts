import { type CommandOutcome, type ExecuteOptions } from '@keyfold/event-store'
import { type Command, type DomainEvent, KeyfoldError, type Rejection } from '@keyfold/eventsourcing'
import { Inject, Injectable } from '@nestjs/common'
import type { CommandCall, CommandMiddleware } from './commands/command-middleware.ts'
import { CommandPipeline } from './commands/command-pipeline.ts'
import { KeyfoldContext } from './context/keyfold-context.ts'
import { withContext } from './context/request-context.ts'
import { ERRORS } from './errors.ts'
import { KeyfoldRuntime } from './keyfold-runtime.ts'
import { type ProjectorReference, projectorName } from './read-model.ts'
import { notePosition } from './reads/seen-positions.ts'

export interface CommandOptions extends ExecuteOptions {
  /** Read models that must show the command's events before the call returns. */
  readonly waitFor?: readonly ProjectorReference[]
  /** How long to wait for them, in milliseconds. Default 2000. A wait that runs out is not an error of the command. */
  readonly waitDeadlineMs?: number
}

/** What is known of a command that was accepted. */
export interface Receipt {
  readonly commandId: string
  /** The aggregate's version after the command. */
  readonly version: number
  /** Where its last event is stored; null when it led to none and the aggregate has none. */
  readonly position: { readonly topic: string; readonly partition: number; readonly offset: number } | null
  readonly events: readonly DomainEvent[]
  /** The command id had been accepted before: this is the original's receipt. */
  readonly duplicate: boolean
  /** Whether every read model of `waitFor` shows the events; true when none was asked for. */
  readonly visible: boolean
}

/** A command's "no", thrown by `execute`: the domain's own code and words. */
export class CommandRejected extends KeyfoldError<'COMMAND_REJECTED'> {
  readonly rejection: Rejection
  readonly commandId: string

  constructor(rejection: Rejection, commandId: string) {
    super('COMMAND_REJECTED', ERRORS.COMMAND_REJECTED, `${rejection.code}: ${rejection.message}`, {
      details: rejection.details,
    })
    this.rejection = rejection
    this.commandId = commandId
  }
}

/** Sends commands to their aggregates. */
@Injectable()
export class CommandBus {
  readonly #runtime: KeyfoldRuntime
  readonly #context: KeyfoldContext
  readonly #pipeline: CommandPipeline

  constructor(
    @Inject(KeyfoldRuntime) runtime: KeyfoldRuntime,
    @Inject(KeyfoldContext) context: KeyfoldContext,
    @Inject(CommandPipeline) pipeline: CommandPipeline,
  ) {
    this.#runtime = runtime
    this.#context = context
    this.#pipeline = pipeline
  }

  /** Puts something around every command, within what is there already. For providers, before the application starts. */
  use(middleware: CommandMiddleware): void {
    this.#pipeline.use(middleware)
  }

  /**
   * What guards, interceptors, pipes and middleware of the command throw is thrown as it is.
   * @throws {CommandRejected} the domain said no.
   * @throws {KeyfoldError} nothing happened (`COMMAND_INVALID`, `EXPECTED_VERSION_CONFLICT`, `COMMAND_ID_REUSED` …), or,
   *   with code `OUTCOME_UNKNOWN`, it is not known: send it again with the same command id.
   */
  async execute(command: Command, options: CommandOptions = {}): Promise<Receipt> {
    const outcome = await this.tryExecute(command, options)
    if (outcome.kind === 'rejected') throw new CommandRejected(outcome.rejection, outcome.commandId)
    if (outcome.kind !== 'committed') throw outcome.error
    const { commandId, version, position, events, duplicate } = outcome
    notePosition(position)
    return { commandId, version, position, events, duplicate, visible: await this.#visible(position, options) }
  }

  /** The same, with every outcome as a value. Does not wait for read models. */
  tryExecute(command: Command, options: ExecuteOptions = {}): Promise<CommandOutcome> {
    return this.#pipeline.run({ command, options }, this.#send)
  }

  readonly #send = ({ command, options }: CommandCall): Promise<CommandOutcome> => {
    const { eventStore, newId } = this.#runtime
    const context = this.#context.current
    return this.#runtime.traced(command, context.traceparent, (traceparent) => {
      const carried = traceparent === undefined ? context : { ...context, traceparent }
      return eventStore.execute(command, withContext(options, carried, newId))
    })
  }

  async #visible(
    position: Receipt['position'],
    { waitFor = [], waitDeadlineMs = 2000 }: CommandOptions,
  ): Promise<boolean> {
    if (position === null) return true
    const waits = waitFor.map((projector) =>
      this.#runtime.projections.waitFor(projectorName(projector), position, { deadlineMs: waitDeadlineMs }),
    )
    return (await Promise.all(waits)).every((result) => result === 'visible')
  }
}
