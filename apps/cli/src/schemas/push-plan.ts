import type { CompatibilityLevel, SchemaReference } from '@keyfold/avro'
import { withoutLint } from '@keyfold/avro'
import { CliError } from '../cli-error.ts'
import { levelProblems } from './check-history.ts'
import { type Matching, matchVersions } from './compare-registry.ts'
import type { EventHistory, HistoryVersion } from './event-history.ts'
import { isAtLeast } from './levels.ts'
import type { Problem } from './problem.ts'
import type { RegisteredHistories } from './registered-history.ts'

/** A level to set on a subject, before anything is registered under it. */
export interface LevelStep {
  readonly subject: string
  readonly from: CompatibilityLevel
  readonly level: CompatibilityLevel
}

/** A version to register. It is refused when the registry has gone on since the plan was made. */
export interface RegisterStep {
  readonly subject: string
  readonly event: string
  /** In the folder. */
  readonly version: number
  /** The number that it gets in the registry. */
  readonly expectedVersion: number
  readonly schema: string
  readonly references: readonly SchemaReference[]
}

export interface PushPlan {
  readonly levels: readonly LevelStep[]
  /** What is referred to comes before what refers to it. */
  readonly registrations: readonly RegisterStep[]
  /** Versions that are registered already. */
  readonly unchanged: number
  /** Older than what is registered, and not registered: they stay out. */
  readonly skipped: readonly { readonly subject: string; readonly version: number }[]
  /** Why the registry would refuse versions. */
  readonly problems: readonly Problem[]
}

interface Target {
  readonly history: EventHistory
  readonly matching: Matching
}

/**
 * What has to be done so that a registry holds every version of the folder; empty when it does. `level` is undefined for
 * the default, which leaves stricter levels as they are.
 * Errors: `SCHEMAS_DIVERGED`, `LEVEL_LOWERED`, those of the registry.
 */
export async function planPush(
  histories: readonly EventHistory[],
  registered: RegisteredHistories,
  {
    level,
    levelDefault,
  }: { readonly level: CompatibilityLevel | undefined; readonly levelDefault: CompatibilityLevel },
): Promise<PushPlan> {
  const targets: Target[] = []
  const levels: LevelStep[] = []
  const problems: Problem[] = []
  for (const history of histories)
    for (const subject of history.subjects) {
      const found = await registered.history(subject)
      const matching = matchVersions(history, subject, found?.versions ?? [])
      refuseUnknown(matching)
      targets.push({ history, matching })
      const { own, effective } = await registered.level(subject)
      const wanted = level ?? (isAtLeast(effective, levelDefault) ? effective : levelDefault)
      if (!isAtLeast(wanted, effective)) throw lowered(subject, effective, wanted)
      if (own !== wanted) levels.push({ subject, from: effective, level: wanted })
      problems.push(...refused(history, matching, wanted))
    }
  return {
    levels,
    registrations: inOrder(targets),
    unchanged: targets.reduce((sum, { matching }) => sum + matching.numbers.size, 0),
    skipped: targets.flatMap(({ matching: { subject, skipped } }) =>
      skipped.map(({ version }) => ({ subject, version })),
    ),
    problems,
  }
}

function refuseUnknown({ subject, unknown }: Matching): void {
  const live = unknown.filter(({ isDeleted }) => !isDeleted)
  if (live.length === 0) return
  const numbers = live.map(({ version }) => version).join(', ')
  throw new CliError('SCHEMAS_DIVERGED', `the folder lacks version ${numbers} of ${subject}`)
}

function lowered(subject: string, effective: CompatibilityLevel, wanted: CompatibilityLevel): CliError {
  return new CliError('LEVEL_LOWERED', `${subject} has level ${effective}, and ${wanted} would accept more`)
}

/** What the registry would say of the new versions, said before anything is sent. */
function refused(
  { event }: EventHistory,
  { registered, fresh }: Matching,
  level: CompatibilityLevel,
): readonly Problem[] {
  const live: HistoryVersion[] = registered.filter(({ isDeleted }) => !isDeleted)
  return fresh.flatMap((next) => {
    const problems = levelProblems(event, next, { level, before: [...live] })
    live.push({ ...next, version: (live.at(-1)?.version ?? 0) + 1 })
    return problems
  })
}

/** New versions of all subjects, each after those that it refers to. References get the registry's own numbers. */
function inOrder(targets: readonly Target[]): readonly RegisterStep[] {
  const numbers = new Map(targets.map(({ matching }) => [matching.subject, new Map(matching.numbers)]))
  let waiting = targets.flatMap(({ history: { event }, matching: { subject, registered, fresh } }) => {
    const last = registered.at(-1)?.version ?? 0
    return fresh.map((version, at) => ({ event, subject, version, expectedVersion: last + at + 1 }))
  })
  const steps: RegisterStep[] = []
  while (waiting.length > 0) {
    const ready = waiting.filter(({ version }) => version.references.every((each) => numberOf(each, numbers) > 0))
    if (ready.length === 0) throw new TypeError('references of a folder that was read lead nowhere')
    for (const { event, subject, version, expectedVersion } of ready) {
      const references = version.references.map((each) => ({ ...each, version: numberOf(each, numbers) }))
      const schema = withoutLint(version.source.text)
      steps.push({ subject, event, version: version.version, expectedVersion, schema, references })
      numbers.get(subject)?.set(version.version, expectedVersion)
    }
    waiting = waiting.filter((each) => !ready.includes(each))
  }
  return steps
}

function numberOf(
  { subject, version }: SchemaReference,
  numbers: ReadonlyMap<string, ReadonlyMap<number, number>>,
): number {
  return numbers.get(subject)?.get(version) ?? 0
}
