import { COMPATIBILITY_LEVELS, type CompatibilityLevel, diffSchemas, satisfiedLevels } from '@keyfold/avro'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { listOf, objectOf, oneOf, orNull, text, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'
import { placeIn } from '../schemas/check-history.ts'
import { changeText } from '../schemas/compare-trees.ts'
import type { EventHistory, HistoryVersion } from '../schemas/event-history.ts'
import { findHistory, fromOption, schemasOption, type WhereOptions } from '../schemas/find-history.ts'
import { placeText } from '../schemas/problem.ts'

interface DiffOptions extends WhereOptions {
  readonly exitCode?: boolean
}

const place = orNull(text)

export const schemasDiff = defineCommand<DiffOptions>({
  path: 'schemas diff',
  summary: 'show what changed between two versions of an event, and which levels the change satisfies',
  details: 'Compares meaning, not text: layout and the order of members do not count, documentation does.',
  arguments: [
    ['<event>', 'bank/money-deposited, MoneyDeposited, bank.MoneyDeposited, or a subject'],
    ['[versions...]', 'two of its versions, such as 1 2 or 1 latest; left out: the last two'],
  ],
  options: [schemasOption, fromOption, { flags: '--exit-code', description: 'exit 1 when there is a difference' }],
  uses: ['registry'],
  examples: [
    ['keyfold schemas diff MoneyDeposited', 'the last step of an event'],
    ['keyfold schemas diff bank/money-deposited 1 latest', 'all of its steps together'],
    ['keyfold schemas diff bank.account-bank.MoneyDeposited --from registry', 'the same in a registry'],
  ],
  exits: { found: 'with --exit-code: the versions differ' },
  data: objectOf({
    event: text,
    from: whole,
    to: whole,
    changes: listOf(
      objectOf({
        kind: oneOf('added', 'removed', 'changed', 'moved'),
        what: text,
        path: text,
        before: orNull(text),
        after: orNull(text),
        beforeAt: place,
        afterAt: place,
      }),
    ),
    satisfies: listOf(oneOf(...COMPATIBILITY_LEVELS)),
    satisfiesWithHistory: listOf(oneOf(...COMPATIBILITY_LEVELS)),
  }),
  async run(context, options, [name = '', ...versions]): Promise<Report> {
    const history = await findHistory(context, options, name)
    const [from, to] = chosen(history, versions)
    const changes = diffSchemas(from.source, to.source)
    const items = changes.map((change) => ({
      ...change,
      before: change.before ?? null,
      after: change.after ?? null,
      beforeAt: change.beforeAt === undefined ? null : placeText(placeIn(from.file, from.source, change.beforeAt)),
      afterAt: change.afterAt === undefined ? null : placeText(placeIn(to.file, to.source, change.afterAt)),
    }))
    const satisfies = levelsOf(to, [from])
    const satisfiesWithHistory = levelsOf(to, before(history, to))
    return {
      status: options.exitCode === true && changes.length > 0 ? 'found' : 'ok',
      data: {
        event: history.event,
        from: from.version,
        to: to.version,
        changes: items,
        satisfies,
        satisfiesWithHistory,
      },
      items,
      ids: items.map(({ path }) => path),
      lines: [
        `${history.event} version ${from.version} -> ${to.version}`,
        ...(changes.length === 0 ? ['  no difference'] : changes.map((change) => `  ${changeText(change)}`)),
        `satisfies, compared with version ${from.version}: ${inWords(satisfies)}`,
        `satisfies, compared with all before it: ${inWords(satisfiesWithHistory)}`,
      ],
    }
  },
})

function levelsOf({ parsed }: HistoryVersion, history: readonly HistoryVersion[]): readonly CompatibilityLevel[] {
  return satisfiedLevels(
    parsed,
    history.map(({ version, parsed: schema }) => ({ version, schema })),
  )
}

function before({ versions }: EventHistory, { version }: HistoryVersion): readonly HistoryVersion[] {
  return versions.filter((each) => each.version < version)
}

function inWords(levels: readonly CompatibilityLevel[]): string {
  const strict = levels.filter((level) => level !== 'NONE')
  return strict.length === 0 ? 'none' : strict.join(', ')
}

/** The two versions that are meant, in the order in which they were given. Errors: `USAGE`. */
function chosen(
  history: EventHistory,
  [first, second, ...more]: readonly string[],
): readonly [HistoryVersion, HistoryVersion] {
  const { event, versions } = history
  if (more.length > 0 || (first !== undefined && second === undefined))
    throw new CliError(
      'USAGE',
      'two versions can be compared',
      `Give none or two, such as keyfold schemas diff ${event} 1 2`,
    )
  if (first !== undefined && second !== undefined) return [versionOf(history, first), versionOf(history, second)]
  const [from, to] = versions.slice(-2)
  if (from !== undefined && to !== undefined) return [from, to]
  throw new CliError('USAGE', `${event} has one version only`, `keyfold schemas show ${event} prints it`)
}

/** A version by its number, `v2`, or `latest`. Errors: `USAGE`. */
export function versionOf({ event, versions }: EventHistory, wanted: string): HistoryVersion {
  const number = Number(/^v?(\d+)$/.exec(wanted)?.[1])
  const found = wanted === 'latest' ? versions.at(-1) : versions.find(({ version }) => version === number)
  if (found !== undefined) return found
  const there = versions.map(({ version }) => version).join(', ')
  throw new CliError(
    'USAGE',
    `${event} has no version ${JSON.stringify(wanted)}`,
    `Its versions are ${there}, and latest`,
  )
}
