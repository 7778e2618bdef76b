import type { CompatibilityLevel } from '@keyfold/avro'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { CliError } from '../cli-error.ts'
import { objectOf, text, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'
import { checkHistory } from '../schemas/check-history.ts'
import { compareRegistry } from '../schemas/compare-registry.ts'
import { comparePublished } from '../schemas/compare-trees.ts'
import type { EventHistory } from '../schemas/event-history.ts'
import { type LoadedSchemas, loadSchemas, noSchemas } from '../schemas/load-schemas.ts'
import { schemasOption } from '../schemas/find-history.ts'
import { gitTree } from '../schemas/git-tree.ts'
import { LEVEL_DEFAULT, levelOption } from '../schemas/levels.ts'
import type { Problem } from '../schemas/problem.ts'
import {
  counted,
  explainOption,
  explanation,
  formatOption,
  problemReport,
  problemsMembers,
} from '../schemas/problem-report.ts'
import { RegisteredHistories } from '../schemas/registered-history.ts'
import { folderTree, type SchemaTree } from '../schemas/schema-tree.ts'

interface CheckOptions {
  readonly schemas: string
  readonly level?: CompatibilityLevel
  readonly against?: string
  readonly deleted?: boolean
  readonly format?: 'text' | 'json' | 'github'
  readonly explain?: string
  readonly registry?: string
}

export const schemasCheck = defineCommand<CheckOptions>({
  path: 'schemas check',
  summary: 'say whether every version of every event can read all that was written before it',
  details: [
    'Works offline: the history in the folder is v1.avsc, v2.avsc … of every event. --against adds what was published:',
    'git:<ref> and dir:<folder> must be found unchanged, registry must be found whole and go together with what is new.',
  ].join('\n'),
  options: [
    schemasOption,
    levelOption,
    { flags: '--against <what>', description: 'git:<ref>, dir:<folder>, or registry' },
    { flags: '--deleted', description: 'with the registry: softly deleted versions count, too' },
    formatOption,
    explainOption,
  ],
  uses: ['registry'],
  examples: [
    ['keyfold schemas check', 'the history in schemas/, without a network'],
    ['keyfold schemas check --against git:main --format github', 'in a pull request: nothing published may change'],
    ['keyfold schemas check --registry http://127.0.0.1:8081 --deleted', 'against everything that was ever registered'],
    ['keyfold schemas check --explain AVRO_DEFAULT_CHANGED', 'what a rule is about'],
  ],
  exits: {
    found: 'a version is incompatible, or breaks a rule of the linter',
    usage: 'a schema is invalid, or a file is where none belongs',
    unreachable: 'the registry does not answer',
  },
  data: objectOf({ level: text, events: whole, versions: whole, ...problemsMembers }),
  async run(context, options): Promise<Report> {
    if (options.explain !== undefined) return explanation(options.explain)
    const { level = LEVEL_DEFAULT, schemas: root } = options
    const tree = await folderTree(root)
    const { histories, problems } = loadSchemas(tree)
    if (histories.length === 0 && problems.length === 0 && options.against === undefined) throw noSchemas(tree)
    const found = [...problems, ...histories.flatMap((history) => checkHistory(history, level))]
    found.push(...(await comparedWith(context, histories, options)))
    const versions = histories.reduce((sum, history) => sum + history.versions.length, 0)
    const counts = { events: histories.length, versions }
    const done = `${counted(counts.events, 'event')}, ${counted(versions, 'version')}, level ${level}`
    return problemReport(found, { format: options.format, data: { level, ...counts }, done })
  },
})

async function comparedWith(
  context: Context,
  histories: readonly EventHistory[],
  { against, level = LEVEL_DEFAULT, deleted = false, schemas, registry }: CheckOptions,
): Promise<readonly Problem[]> {
  const [kind, name] = splitAtColon(against ?? (registry === undefined ? '' : 'registry'))
  if (kind === '') return []
  if (kind === 'registry' && name === undefined) {
    const registered = new RegisteredHistories(context.registry())
    const found: Problem[] = []
    for (const history of histories)
      found.push(...(await compareRegistry(history, registered, { level, withDeleted: deleted })))
    return found
  }
  if (kind === 'git' && name) return publishedProblems(context, histories, await gitTree(name, schemas))
  if (kind === 'dir' && name) return publishedProblems(context, histories, await folderTree(name))
  throw new CliError(
    'USAGE',
    `--against ${against} is nothing to compare with`,
    'Take git:<ref>, dir:<folder> or registry',
  )
}

function publishedProblems(context: Context, histories: readonly EventHistory[], tree: SchemaTree): readonly Problem[] {
  const published: LoadedSchemas = loadSchemas(tree)
  if (published.histories.length === 0)
    context.note(`There is no schema in ${tree.label}: nothing was published there.`)
  // What cannot be read there was never checked, so nothing can be said about it.
  for (const { at, message } of published.problems) context.note(`${at.file} is left out: ${message}`)
  return comparePublished(histories, published.histories)
}

function splitAtColon(against: string): readonly [kind: string, name?: string] {
  const at = against.indexOf(':')
  return at < 0 ? [against] : [against.slice(0, at), against.slice(at + 1)]
}
