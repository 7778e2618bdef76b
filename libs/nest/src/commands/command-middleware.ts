import type { CommandOutcome, ExecuteOptions } from '@keyfold/event-store'
import type { Command } from '@keyfold/eventsourcing'

/** A command on its way, with how it is to be executed. */
export interface CommandCall {
  readonly command: Command
  readonly options: ExecuteOptions
}

/**
 * Stands around every command: it may look, change the call, wait, answer by itself, or throw. Much cheaper than an
 * interceptor. The outcome is a value; `execute` throws rejections only after it.
 */
export type CommandMiddleware = (call: CommandCall, next: CommandStep) => Promise<CommandOutcome>

/** The rest of a command's way. */
export type CommandStep = (call: CommandCall) => Promise<CommandOutcome>

/** The first one is the outermost. @throws {TypeError} when one of them answers something else than an outcome. */
export function throughMiddleware(middleware: readonly CommandMiddleware[], last: CommandStep): CommandStep {
  return middleware.reduceRight<CommandStep>(
    (next, each) => async (call) => checkedOutcome(await each(call, next)),
    async (call) => checkedOutcome(await last(call)),
  )
}

function checkedOutcome(outcome: Partial<CommandOutcome> | undefined): CommandOutcome {
  if (isOutcome(outcome)) return outcome
  throw new TypeError('middleware, interceptors and filters of commands must return the outcome of the command')
}

function isOutcome(outcome: Partial<CommandOutcome> | undefined): outcome is CommandOutcome {
  return outcome?.kind !== undefined && outcome.commandId !== undefined
}
