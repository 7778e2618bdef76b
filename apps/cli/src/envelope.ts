import type { CommandDefinition } from './command.ts'
import type { ReportStatus, Diagnostic } from './report.ts'
import { type JsonSchema, listOf, objectOf, oneOf, text } from './json-schema.ts'

/** What `-o json` prints: always this, once, whether the command did well or not. */
export interface Envelope {
  readonly version: 1
  readonly status: ReportStatus | 'error'
  /** Null when `status` is `error`. */
  readonly data: unknown
  readonly diagnostics: readonly Diagnostic[]
}

const diagnosticSchema = objectOf({
  severity: oneOf('error', 'warning', 'info'),
  code: text,
  message: text,
  'fix?': text,
})

/** The published schema: the envelope, and under `$defs` the `data` of every command by its name. */
export function envelopeSchema(commands: readonly CommandDefinition[]): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'What keyfold prints with -o json',
    ...objectOf({
      version: { const: 1 },
      status: oneOf('ok', 'found', 'usage', 'partial', 'refused', 'error'),
      data: { description: 'null when status is error; otherwise $defs/<command>, with the blanks as hyphens' },
      diagnostics: listOf(diagnosticSchema),
    }),
    $defs: Object.fromEntries(commands.map(({ path, data }) => [path.replaceAll(' ', '-'), data])),
  }
}

/** The envelope's schema with one command's `data` in its place: what a test holds an answer against. */
export function schemaFor(command: CommandDefinition): JsonSchema {
  const { data } = command
  return objectOf({
    version: { const: 1 },
    status: oneOf('ok', 'found', 'usage', 'partial', 'refused', 'error'),
    data: { anyOf: [data, { type: 'null' }] },
    diagnostics: listOf(diagnosticSchema),
  })
}
