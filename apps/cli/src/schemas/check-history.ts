import { type CompatibilityLevel, diagnose, lintVersion, type SchemaSource, type SourcePosition } from '@keyfold/avro'
import type { EventHistory, HistoryVersion } from './event-history.ts'
import { type Place, placeText, type Problem, startOf } from './problem.ts'

/** Every version of an event by itself, beside the one before it, and against all that its level asks for. */
export function checkHistory(
  { event, versions }: EventHistory,
  level: CompatibilityLevel,
  severities: 'all' | 'lint' = 'all',
): readonly Problem[] {
  const problems = versions.flatMap((next, index) => {
    const before = versions.slice(0, index)
    const found = lintProblems(event, next, before.at(-1))
    return severities === 'lint' ? found : withoutTwins([...found, ...levelProblems(event, next, { level, before })])
  })
  return problems
}

/** What the linter says of a version and the step that led to it. */
export function lintProblems(
  event: string,
  next: HistoryVersion,
  previous: HistoryVersion | undefined,
): readonly Problem[] {
  const { findings } = lintVersion(next.source, previous?.source)
  return findings.map(({ rule, severity, path, message, fix, at, previousAt }) => ({
    severity,
    rule,
    event,
    path,
    message,
    fix,
    at: placeIn(next.file, next.source, at),
    previous: previous && previousAt ? placeIn(previous.file, previous.source, previousAt) : undefined,
  }))
}

/** Why a version does not go together with those before it. */
export function levelProblems(
  event: string,
  next: HistoryVersion,
  { level, before }: { readonly level: CompatibilityLevel; readonly before: readonly HistoryVersion[] },
): readonly Problem[] {
  const { diagnoses, failingVersion } = diagnose(level, next.source, before)
  const previous = before.find(({ version }) => version === failingVersion)
  return diagnoses.map(({ type, path, message, fix, nextAt, previousAt }) => ({
    severity: 'error',
    rule: type,
    event,
    path,
    message,
    fix,
    at: placeIn(next.file, next.source, nextAt),
    previous: previous && placeIn(previous.file, previous.source, previousAt),
  }))
}

/** A place that a schema knows, in the file that it was read from. */
export function placeIn(file: string, { text }: SchemaSource, at: SourcePosition | undefined): Place {
  if (at === undefined) return startOf(file, text)
  return { file, line: at.line, column: at.column, text: text.split('\n')[at.line - 1] }
}

/**
 * The linter and Avro often say the same of one place. The linter's rule stays, because a file can except it; what was
 * compared comes from Avro.
 */
function withoutTwins(problems: readonly Problem[]): readonly Problem[] {
  const kept = new Map<string, Problem>()
  for (const problem of problems) {
    const key = problem.severity === 'error' ? placeText(problem.at) : JSON.stringify([problem.rule, problem.at])
    const twin = kept.get(key)
    if (twin === undefined || !isTwin(twin, problem)) kept.set(twin === undefined ? key : `${key} ${kept.size}`, problem)
    else kept.set(key, { ...twin, previous: twin.previous ?? problem.previous })
  }
  return [...kept.values()]
}

function isTwin(first: Problem, second: Problem): boolean {
  return first.rule.startsWith('AVRO_') && !second.rule.startsWith('AVRO_')
}
