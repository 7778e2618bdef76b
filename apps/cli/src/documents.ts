import { commands } from './commands.ts'
import type { CommandDefinition } from './command.ts'
import { envelopeSchema } from './envelope.ts'
import { EXIT, EXIT_MEANINGS, type ExitName } from './exit-codes.ts'

/** What README.md has between its two markers: the commands and the exit codes, as tables. */
export function referenceText(): string {
  const rows = commands.map((command) => `| \`${usageOf(command)}\` | ${command.summary} |`)
  const codes = (Object.keys(EXIT) as ExitName[]).map((name) => `| ${EXIT[name]} | ${EXIT_MEANINGS[name]} |`)
  return ['| command | does |', '|---|---|', ...rows, '', '| exit code | means |', '|---|---|', ...codes].join('\n')
}

/** What generated/envelope.schema.json has. */
export function envelopeSchemaText(): string {
  return `${JSON.stringify(envelopeSchema(commands), undefined, 2)}\n`
}

/** Cells of a table end at a bar, so there may be none in it. */
function usageOf({ path, arguments: rows = [], options = [] }: CommandDefinition): string {
  const words = rows.map(([syntax]) => syntax)
  const flags = options.map(({ flags: text, isRequired }) => (isRequired ? text : `[${text}]`))
  return ['keyfold', path, ...words, ...flags].join(' ').replaceAll('|', '/')
}
