import {
  checkLevel,
  type CompatibilityLevel,
  diagnose,
  lintVersion,
  type SchemaSource,
  type SourcePosition,
} from '@keyfold/avro'
import type { EventHistory, HistoryVersion } from './event-history.ts'
import { type Place, type Problem, type SchemaRule, startOf } from './problem.ts'

/** Every version of an event by itself, beside the one before it, and against all that its level asks for. */
export function checkHistory({ event, versions }: EventHistory, level: CompatibilityLevel): readonly Problem[] {
  return versions.flatMap((next, index) => {
    const before = versions.slice(0, index)
    return withoutTwins(lintProblems(event, next, before.at(-1)), levelProblems(event, next, { level, before }))
  })
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

/** What a version excepts from the rules of the linter, with its reasons. */
export function excepted(
  event: string,
  next: HistoryVersion,
  previous: HistoryVersion | undefined,
): readonly Exception[] {
  const { ignored } = lintVersion(next.source, previous?.source)
  return ignored.map(({ rule, path, reason }) => ({ rule, event, file: next.file, path, reason }))
}

interface Exception {
  readonly rule: string
  readonly event: string
  readonly file: string
  readonly path: string
  readonly reason: string
}

/** Why a version does not go together with those before it. */
export function levelProblems(
  event: string,
  next: HistoryVersion,
  { level, before }: { readonly level: CompatibilityLevel; readonly before: readonly HistoryVersion[] },
): readonly Problem[] {
  const parsed = before.map(({ version, parsed: schema }) => ({ version, schema }))
  // Most versions are fine; only the others need their places, for which texts are read once more.
  if (checkLevel(level, next.parsed, parsed).compatible) return []
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
 * The linter and Avro say some things both. The linter's rule stays; with what it was compared comes from Avro then. (A
 * file can except the rule, and what Avro says is shown again.)
 */
function withoutTwins(linted: readonly Problem[], levels: readonly Problem[]): readonly Problem[] {
  const twinOf = (problem: Problem, others: readonly Problem[]) =>
    others.find((other) => other.path === problem.path && (areTwins(problem, other) || areTwins(other, problem)))
  return [
    ...linted.map((problem) => ({ ...problem, previous: problem.previous ?? twinOf(problem, levels)?.previous })),
    ...levels.filter((problem) => twinOf(problem, linted) === undefined),
  ]
}

function areTwins(linted: Problem, level: Problem): boolean {
  return TWINS[linted.rule]?.includes(level.rule) === true
}

const TWINS: Readonly<Partial<Record<SchemaRule, readonly SchemaRule[]>>> = {
  AVRO_FIELD_ADDED_WITHOUT_DEFAULT: ['READER_FIELD_MISSING_DEFAULT_VALUE'],
  AVRO_RECORD_RENAMED_WITHOUT_ALIAS: ['NAME_MISMATCH'],
  AVRO_ENUM_SYMBOL_REMOVED: ['MISSING_ENUM_SYMBOLS'],
  AVRO_NULLABLE_TO_REQUIRED: ['MISSING_UNION_BRANCH', 'TYPE_MISMATCH'],
}
