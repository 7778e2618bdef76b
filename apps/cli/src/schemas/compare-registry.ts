import type { CompatibilityLevel } from '@keyfold/avro'
import { levelProblems } from './check-history.ts'
import { type EventHistory, type HistoryVersion, identityOf } from './event-history.ts'
import { isAtLeast } from './levels.ts'
import { type Problem, startOf } from './problem.ts'
import type { RegisteredHistories, RegisteredVersion } from './registered-history.ts'

/** How the versions of an event and those of one of its subjects belong together, by their content. */
export interface Matching {
  readonly subject: string
  readonly registered: readonly RegisteredVersion[]
  /** The version in the folder by that of the registry, and the other way round. */
  readonly numbers: ReadonlyMap<number, number>
  /** In the folder and younger than what is registered. */
  readonly fresh: readonly HistoryVersion[]
  /** In the folder, not registered, although a younger one is. */
  readonly skipped: readonly HistoryVersion[]
  /** Registered and not in the folder. */
  readonly unknown: readonly RegisteredVersion[]
}

export function matchVersions(
  { versions }: EventHistory,
  subject: string,
  registered: readonly RegisteredVersion[],
): Matching {
  const numbers = new Map<number, number>()
  const unknown: RegisteredVersion[] = []
  const byIdentity = new Map(versions.map((version) => [identityOf(version), version.version]))
  for (const version of registered) {
    const local = byIdentity.get(identityOf(version))
    if (local !== undefined) numbers.set(local, version.version)
    else unknown.push(version)
  }
  const newest = Math.max(0, ...numbers.keys())
  const missing = versions.filter(({ version }) => !numbers.has(version))
  const fresh = missing.filter(({ version }) => version > newest)
  return { subject, registered, numbers, unknown, fresh, skipped: missing.filter((each) => !fresh.includes(each)) }
}

export interface RegistryCheck {
  readonly level: CompatibilityLevel
  /** Whether softly deleted versions count: their events may still be stored. */
  readonly withDeleted: boolean
}

/** What a registry holds must be in the folder, and what is new there must go together with all that it holds. */
export async function compareRegistry(
  history: EventHistory,
  histories: RegisteredHistories,
  { level, withDeleted }: RegistryCheck,
): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  for (const subject of history.subjects) {
    const found = await histories.history(subject)
    if (found === undefined) continue
    const registered = found.versions.filter(({ isDeleted }) => withDeleted || !isDeleted)
    const { unknown, fresh } = matchVersions(history, subject, registered)
    problems.push(...unknown.map((version) => unknownProblem(history, version)))
    // Versions that the folder has are compared within it.
    for (const next of fresh) problems.push(...levelProblems(history.event, next, { level, before: unknown }))
    const { effective } = await histories.level(subject)
    if (!isAtLeast(effective, level)) problems.push(levelProblem(history, subject, { effective, level }))
  }
  return problems
}

function unknownProblem(
  { event, versions }: EventHistory,
  { subject, version, source, file }: RegisteredVersion,
): Problem {
  const newest = versions.at(-1)
  const previous = startOf(file, source.text)
  return {
    severity: 'error',
    rule: 'SCHEMA_VERSION_REMOVED',
    event,
    path: '',
    message: `the registry holds version ${version} of ${subject}, which is not in the folder`,
    fix: 'Take it over with keyfold schemas pull, and give your own version the next number',
    at: newest === undefined ? previous : startOf(newest.file, newest.source.text),
    previous,
  }
}

function levelProblem(
  { event, versions }: EventHistory,
  subject: string,
  { effective, level }: { readonly effective: string; readonly level: string },
): Problem {
  const newest = versions.at(-1)
  return {
    severity: 'warning',
    rule: 'SCHEMA_LEVEL_LOWER',
    event,
    path: '',
    message: `the registry's level for ${subject} is ${effective}, which accepts more than ${level}`,
    fix: 'keyfold schemas push sets it',
    at: startOf(newest?.file ?? event, newest?.source.text),
    previous: undefined,
  }
}
