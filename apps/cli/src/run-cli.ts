import { Command, CommanderError } from 'commander'
import { addBrokerCommands } from './commands/broker-start.ts'
import { addRegistryCommands } from './commands/registry-start.ts'
import { addSchemasCommands } from './commands/schemas-gen.ts'
import { EXIT, exitCodeOf, failureLine, type Output } from './exit-codes.ts'

/** Runs one command line and answers with the exit code. Results go to `out`, everything else to `err`. */
export async function runCli(args: readonly string[], output: Output): Promise<number> {
  let exitCode: number = EXIT.ok
  const program = new Command('keyfold')
    .description('Event sourcing and CQRS on Kafka: schemas, the bundled broker and the schema registry')
    .addHelpText('before', EXAMPLES)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.out(text.trimEnd()),
      writeErr: (text) => output.err(text.trimEnd()),
      outputError: (text, write) => write(usageLine(text)),
    })
  addSchemasCommands(program, output, (code) => (exitCode = code))
  addBrokerCommands(program, output, (code) => (exitCode = code))
  addRegistryCommands(program, output)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    output.err(failureLine(error))
    return exitCodeOf(error)
  }
}

const EXAMPLES = `Examples:
  keyfold schemas gen --schemas schemas --out src/generated          write the types of all events
  keyfold schemas gen --schemas schemas --out src/generated --check  exit 1 when they are stale
  keyfold broker start --data .keyfold/broker --port 9092            start a broker
  keyfold broker verify --data .keyfold/broker                       check its data; exit 1 when something is wrong
  keyfold registry start --kafka 127.0.0.1:9092 --port 8081          start a schema registry on it
`

/** What commander says, as one line of our own kind. */
function usageLine(text: string): string {
  const cause = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '')
  return `USAGE: ${cause}. Fix: keyfold --help lists the commands and options`
}
