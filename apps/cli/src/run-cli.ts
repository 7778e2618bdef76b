import { Command, CommanderError } from 'commander'
import { addCommand } from './add-command.ts'
import type { CommandDefinition } from './command.ts'
import { commandGroups, commands } from './commands.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { failureEnvelope, failureLine } from './failure.ts'
import { jsonText } from './json-text.ts'
import { CliError } from './cli-error.ts'
import { addGlobalOptions } from './global-options.ts'
import { type Invocation, runCommand } from './run-command.ts'
import type { World } from './world.ts'

/** Runs one command line and answers with the exit code. */
export async function runCli(args: readonly string[], world: World): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok
  let misuse: CliError | undefined
  const program = buildProgram(world, {
    run: async (definition, invocation) => void (exitCode = await runCommand(definition, invocation)),
    misused: (error) => {
      misuse = error
      world.err(failureLine(error))
    },
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return EXIT.ok
    // The options could not be parsed, so this looks for the words themselves.
    if (misuse !== undefined && /(^| )(--json|-o[ =]?json|--output[ =]json)( |$)/.test(args.join(' ')))
      world.out(jsonText(failureEnvelope(misuse), 2))
    return EXIT.usage
  }
}

/** What becomes of a command line that has been read. */
export interface ProgramEvents {
  readonly run: (definition: CommandDefinition, invocation: Invocation) => Promise<void>
  readonly misused: (error: CliError) => void
}

/** The whole program as commander has it. */
export function buildProgram(world: World, { run, misused }: ProgramEvents): Command {
  const program = new Command('keyfold')
    .description('Event sourcing and CQRS on Kafka: the bundled broker, the schema registry, and tools for any cluster')
    .addHelpText('before', examplesText())
    .addHelpText('after', '\nkeyfold <command> --help has examples; keyfold explain <CODE> says what an error means.')
    .helpCommand(false)
    // Options behind a command are the command's own: -o means more to consume than to the program.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.out(text.trimEnd()),
      writeErr: (text) => world.err(text.trimEnd()),
      outputError: (text) => misused(usageError(text)),
    })
  addGlobalOptions(program, ['kafka', 'registry'])
  for (const [name, summary] of Object.entries(commandGroups))
    program.command(name).description(summary).helpCommand(false)
  for (const definition of commands)
    addCommand(program, definition, (command, options, args) => run(definition, { world, command, options, args }))
  return program
}

function examplesText(): string {
  const shown = commands.flatMap(({ examples }) => examples.slice(0, 1))
  const widest = Math.max(...shown.map(([line]) => line.length))
  return `Examples:\n${shown.map(([line, does]) => `  ${line.padEnd(widest)}  ${does}`).join('\n')}\n`
}

/** What commander says, as an error of our own kind; its "Did you mean" stays. */
function usageError(text: string): CliError {
  const what = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '')
  return new CliError('USAGE', what)
}
