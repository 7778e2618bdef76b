import { Option, type Command } from 'commander'
import type { CommandDefinition } from './command.ts'
import type { Settings } from './context.ts'
import { parseDuration } from './parse-duration.ts'
import { isOutputFormat, OUTPUT_FORMATS, type OutputFormat } from './output-format.ts'
import type { World } from './world.ts'

/** What commander makes of the options of every command. */
interface GlobalOptions {
  /** A command may take several values, and other words among them. */
  readonly output?: string | readonly unknown[]
  readonly json?: boolean
  readonly quiet?: boolean
  readonly input?: boolean
  readonly yes?: boolean
  readonly timeout?: number
  readonly brokers?: string
  readonly connectTimeout?: number
  readonly registry?: string
}

const BROKERS_DEFAULT = '127.0.0.1:9092'
const CONNECT_TIMEOUT_MS = 5_000
const REGISTRY_DEFAULT = 'http://127.0.0.1:8081'

/** Adds the options of every command. They may stand before the command's name as well as behind it. */
export function addGlobalOptions(command: Command, uses: CommandDefinition['uses'] = []): void {
  if (!command.options.some(({ long }) => long === '--output'))
    command.addOption(new Option('-o, --output <format>', 'format of the result').choices(OUTPUT_FORMATS))
  command
    .option('--json', 'the same as -o json')
    .option('-q, --quiet', 'only names or ids on stdout, only errors on stderr')
    .option('-y, --yes', 'do not ask before something is destroyed')
    .option('--no-input', 'never ask; what would need an answer is refused')
    .option('--timeout <duration>', 'give up after this time (exit code 124): 500ms, 30s, 5m', parseDuration)
  if (uses.includes('kafka'))
    command
      .option('--brokers <host:port,…>', `the cluster; KAFKA_BROKERS or ${BROKERS_DEFAULT}`)
      .option('--connect-timeout <duration>', 'how long to look for it (default: 5s)', parseDuration)
  if (uses.includes('registry'))
    command.option('--registry <url>', `the schema registry; SCHEMA_REGISTRY_URL or ${REGISTRY_DEFAULT}`)
}

/** Flags win over the environment, the environment over the defaults; behind the command's name over before it. */
export function settingsOf(command: Command, world: World): Settings {
  const given = { ...givenOptions(command.parent), ...givenOptions(command) }
  const options: GlobalOptions = isJsonFormat(command) ? { ...given, json: true } : given
  const { env } = world
  return {
    format: formatOf(options),
    isQuiet: options.quiet === true,
    isSure: options.yes === true,
    mayAsk: options.input !== false,
    brokers: listOf(options.brokers ?? env['KAFKA_BROKERS'] ?? BROKERS_DEFAULT),
    registryUrl: options.registry ?? env['SCHEMA_REGISTRY_URL'] ?? REGISTRY_DEFAULT,
    timeoutMs: options.timeout,
    connectTimeoutMs: options.connectTimeout ?? CONNECT_TIMEOUT_MS,
  }
}

/** Commands whose own `--format` knows `json` mean the envelope by it. */
function isJsonFormat(command: Command): boolean {
  const own = command.options.find(({ long }) => long === '--format')
  return own?.argChoices?.includes('json') === true && command.opts()['format'] === 'json'
}

/** What stands on the command line, of a command and those above it. */
function givenOptions(command: Command | null): GlobalOptions {
  if (command === null) return {}
  const own = Object.entries(command.opts()).filter(([name]) => command.getOptionValueSource(name) === 'cli')
  return { ...givenOptions(command.parent), ...Object.fromEntries(own) }
}

function formatOf({ output, json }: GlobalOptions): OutputFormat {
  if (json === true) return 'json'
  const last = (Array.isArray(output) ? output : [output]).findLast((each) => typeof each === 'string')
  return last !== undefined && isOutputFormat(last) ? last : 'table'
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
