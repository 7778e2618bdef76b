import type { Command } from 'commander'
import { CliError } from './cli-error.ts'
import type { CommandDefinition } from './command.ts'
import { Context } from './context.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { exitCodeOf, failureLine } from './failure.ts'
import { settingsOf } from './global-options.ts'
import { printFailure, printReport } from './print-report.ts'
import type { World } from './world.ts'

export interface Invocation {
  readonly world: World
  readonly command: Command
  readonly options: object
  readonly args: readonly string[]
}

type Ending = 'interrupted' | 'timeout'

/**
 * Runs a command from its connections to its exit code. The first Ctrl-C, and `--timeout`, abort its signal and wait
 * for it to return; the second Ctrl-C is the rim's: it ends the process.
 */
export async function runCommand(definition: CommandDefinition, invocation: Invocation): Promise<ExitCode> {
  const { world, command, options, args } = invocation
  const settings = settingsOf(command, world)
  const stop = new AbortController()
  const ended = Promise.withResolvers<Ending>()
  const end = (ending: Ending): void => {
    ended.resolve(ending)
    stop.abort(ending)
  }
  const forget = world.onInterrupt(() => end('interrupted'))
  const timer = settings.timeoutMs === undefined ? undefined : setTimeout(() => end('timeout'), settings.timeoutMs)
  const context = new Context(world, settings, stop.signal)
  try {
    // A command that waits for the network hears nothing of its signal: it is left behind, its connections are closed.
    const work = definition.run(context, options, args)
    const abandoned = ended.promise.then(() => graceFor(definition))
    const report = await Promise.race([work, abandoned])
    if (stop.signal.aborted && stop.signal.reason === 'timeout')
      throw new CliError('TIMED_OUT', timeoutText(definition, settings.timeoutMs))
    printReport(context, report)
    if (stop.signal.aborted && definition.runsUntilStopped !== true) return EXIT.interrupted
    return EXIT[report?.status ?? 'ok']
  } catch (error) {
    if (stop.signal.aborted && stop.signal.reason === 'interrupted') return EXIT.interrupted
    world.err(failureLine(error))
    printFailure(context, error)
    return exitCodeOf(error)
  } finally {
    clearTimeout(timer)
    forget()
    await context.close()
    await world.drained()
  }
}

const GRACE_MS = 2_000

/** Never comes back for servers: they take the time they need to close. */
function graceFor({ runsUntilStopped }: CommandDefinition): Promise<undefined> {
  return new Promise((resolve) => {
    if (runsUntilStopped !== true) setTimeout(() => resolve(undefined), GRACE_MS).unref()
  })
}

function timeoutText({ path }: CommandDefinition, timeoutMs: number | undefined): string {
  return `${path} was not done after ${timeoutMs} ms`
}
