import { LINT_RULES } from '@keyfold/avro'
import { defineCommand } from '../command.ts'
import { listOf, objectOf, text, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'
import { excepted, lintProblems } from '../schemas/check-history.ts'
import { loadSchemas, noSchemas } from '../schemas/load-schemas.ts'
import { schemasOption } from '../schemas/find-history.ts'
import {
  counted,
  explainOption,
  explanation,
  formatOption,
  problemReport,
  problemsMembers,
} from '../schemas/problem-report.ts'
import { folderTree } from '../schemas/schema-tree.ts'

interface LintOptions {
  readonly schemas: string
  readonly format?: 'text' | 'json' | 'github'
  readonly explain?: string
}

export const schemasLint = defineCommand<LintOptions>({
  path: 'schemas lint',
  summary: 'find what a registry accepts and still breaks the reading of old events',
  details: [
    `The rules are ${Object.keys(LINT_RULES).join(', ')}.`,
    'A schema file excepts itself with "keyfold.lint": { "ignore": [{ "rule": …, "path": …, "reason": … }] }.',
  ].join('\n'),
  options: [schemasOption, formatOption, explainOption],
  examples: [
    ['keyfold schemas lint', 'look at every version in schemas/ and the step that led to it'],
    ['keyfold schemas lint --explain AVRO_DECIMAL_SCALE_CHANGED', 'why a rule is one, and what to do'],
  ],
  exits: { found: 'a rule is broken', usage: 'a schema is invalid, or a file is where none belongs' },
  data: objectOf({
    events: whole,
    versions: whole,
    ...problemsMembers,
    excepted: listOf(objectOf({ rule: text, event: text, file: text, path: text, reason: text })),
  }),
  async run(_context, options): Promise<Report> {
    if (options.explain !== undefined) return explanation(options.explain)
    const tree = await folderTree(options.schemas)
    const { histories, problems } = loadSchemas(tree)
    if (histories.length === 0 && problems.length === 0) throw noSchemas(tree)
    const steps = histories.flatMap(({ event, versions }) =>
      versions.map((next, index) => ({ event, next, previous: versions[index - 1] })),
    )
    const found = [...problems, ...steps.flatMap(({ event, next, previous }) => lintProblems(event, next, previous))]
    const exceptions = steps.flatMap(({ event, next, previous }) => excepted(event, next, previous))
    const counts = { events: histories.length, versions: steps.length }
    const words = [counted(counts.events, 'event'), counted(counts.versions, 'version')]
    const done = [...words, counted(exceptions.length, 'exception')].join(', ')
    return problemReport(found, { format: options.format, data: { ...counts, excepted: exceptions }, done })
  },
})
