import type { Context } from './context.ts'
import type { ExitName } from './exit-codes.ts'
import type { JsonSchema } from './json-schema.ts'
import type { Report } from './report.ts'

/**
 * One command, as data: the program, the help, the README's table, the published schema and the tests are made from it.
 * `Options` are the parsed options by their camel-cased long names.
 */
export interface CommandDefinition<Options extends object = object> {
  /** Its words, such as `topics list`. */
  readonly path: string
  /** One line for lists of commands: what it does, in small letters, without a full stop. */
  readonly summary: string
  /** What the help says beyond the summary. */
  readonly details?: string
  readonly arguments?: readonly ArgumentRow[]
  readonly options?: readonly OptionRow[]
  /** Adds `--brokers` and `--registry`. */
  readonly uses?: readonly ('kafka' | 'registry')[]
  /** Command lines that do something useful, with what they do. At least one. */
  readonly examples: readonly (readonly [line: string, does: string])[]
  /** What exit codes above 0 mean for this command, where it gives them a meaning. */
  readonly exits?: Readonly<Partial<Record<ExitName, string>>>
  /** The shape of `data` in the envelope; of one line with `-o ndjson` for commands that stream. */
  readonly data: JsonSchema
  /** Ctrl-C is how this command ends, so it is no interruption: servers. */
  readonly runsUntilStopped?: true
  /** Does the work. What is returned is printed in the format that was asked for; a stream prints by itself. */
  run(context: Context, options: Options, args: readonly string[]): Promise<Report | undefined>
}

/** `<topic>`, `[group]`, `<topic...>`, and what it is. */
export type ArgumentRow = readonly [syntax: string, description: string]

export interface OptionRow {
  /** As commander takes them: `-n, --count <n>`. */
  readonly flags: string
  readonly description: string
  /** Reads the text; throws `InvalidArgumentError` (from commander) with a sentence. Repeatable: gets what was before. */
  readonly parse?: (text: string, previous: unknown) => unknown
  readonly default?: unknown
  readonly choices?: readonly string[]
  readonly isRequired?: true
}

/** Keeps the type of the options next to the command that reads them. */
export function defineCommand<Options extends object>(definition: CommandDefinition<Options>): CommandDefinition {
  return definition
}
