import type { AggregateDifference, ReplayReport } from '@keyfold/event-store'
import { anything, listOf, objectOf, oneOf, orNull, text, truth, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'

/** The shape of `replayData`. */
export const replaySchema = objectOf({
  same: truth,
  aggregates: listOf(
    objectOf({
      name: text,
      topic: text,
      compared: whole,
      same: whole,
      different: whole,
      onlyBefore: whole,
      onlyAfter: whole,
      events: whole,
    }),
  ),
  differences: listOf(
    objectOf({
      aggregate: text,
      key: text,
      version: objectOf({ before: orNull(whole), after: orNull(whole) }),
      paths: listOf(objectOf({ path: text, before: anything, after: anything })),
      pathsOmitted: whole,
    }),
  ),
  differencesOmitted: whole,
  failures: listOf(
    objectOf({ side: oneOf('before', 'after'), aggregate: text, partition: whole, key: text, error: text }),
  ),
  failuresOmitted: whole,
})

/** What two codes make of the same events, for people and programs; exit code 1 when it is not the same. */
export function replayReport(report: ReplayReport): Report {
  const { same, aggregates, differences, differencesOmitted, failures, failuresOmitted } = report
  return {
    status: same ? 'ok' : 'found',
    data: { ...report, differences: differences.map(differenceData) },
    ids: differences.map(({ key }) => key),
    lines: [
      ...differences.flatMap(differenceLines),
      ...omitted(differencesOmitted, 'aggregates that differ'),
      ...failures.map(({ side, aggregate, key, error }) => `${aggregate} ${key} cannot be folded ${side}: ${error}`),
      ...omitted(failuresOmitted, 'aggregates that cannot be folded'),
      same ? 'The states are the same.' : 'The states are not the same.',
    ],
    tables: [
      {
        columns: ['AGGREGATE', 'TOPIC', ...['EVENTS', 'SAME', 'DIFFERENT', 'ONLY BEFORE', 'ONLY AFTER'].map(numbers)],
        rows: aggregates.map((each) => [
          each.name,
          each.topic,
          each.events,
          each.same,
          each.different,
          each.onlyBefore,
          each.onlyAfter,
        ]),
      },
    ],
  }
}

function numbers(heading: string) {
  return { heading, right: true } as const
}

function differenceData({ version, paths, ...difference }: AggregateDifference): object {
  return {
    ...difference,
    version: { before: version.before ?? null, after: version.after ?? null },
    paths: paths.map(({ path, before, after }) => ({ path, before: before ?? null, after: after ?? null })),
  }
}

function differenceLines({ aggregate, key, version, paths, pathsOmitted }: AggregateDifference): readonly string[] {
  const versions = version.before === version.after ? version.after : `${version.before} -> ${version.after}`
  return [
    `${aggregate} ${key} (version ${versions})`,
    ...paths.map(({ path, before, after }) => `  ${path === '' ? 'state' : path}: ${shown(before)} -> ${shown(after)}`),
    ...omitted(pathsOmitted, 'places').map((line) => `  ${line}`),
  ]
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}

function omitted(count: number, what: string): readonly string[] {
  return count === 0 ? [] : [`… and ${count} more ${what}`]
}
