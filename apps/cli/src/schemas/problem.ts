import type { IncompatibilityType, LintRule, LintSeverity } from '@keyfold/avro'
import { listOf, objectOf, oneOf, orNull, text, whole } from '../json-schema.ts'

/** What the commands find beside the rules of the linter: what Avro cannot read, and histories that are not whole. */
export type SchemaRule =
  | LintRule
  | IncompatibilityType
  | 'AMBIGUOUS_FIELD'
  | 'SCHEMA_INVALID'
  | 'SCHEMA_MISPLACED'
  | 'SCHEMA_EVENT_UNKNOWN'
  | 'SCHEMA_VERSION_MISSING'
  | 'SCHEMA_VERSION_TWICE'
  | 'SCHEMA_VERSION_CHANGED'
  | 'SCHEMA_VERSION_REMOVED'
  | 'SCHEMA_LEVEL_LOWER'

/** A place in a file; line and column count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  /** That line, for people; undefined where there is none. */
  readonly text: string | undefined
}

/** Something wrong with a version of a schema: where, against what, and what to do. */
export interface Problem {
  readonly severity: LintSeverity
  readonly rule: SchemaRule
  /** `bank/money-deposited`. */
  readonly event: string
  /** By names, such as `Order.lines[].sku`; empty for the schema itself. */
  readonly path: string
  readonly message: string
  readonly fix: string
  readonly at: Place
  /** In the version that it was compared with. */
  readonly previous: Place | undefined
}

/** Problems of files that cannot be compared at all: exit code 2. */
const UNUSABLE: ReadonlySet<SchemaRule> = new Set([
  'SCHEMA_INVALID',
  'SCHEMA_MISPLACED',
  'SCHEMA_EVENT_UNKNOWN',
  'SCHEMA_VERSION_MISSING',
  'SCHEMA_VERSION_TWICE',
])

export function isUnusable({ rule }: Problem): boolean {
  return UNUSABLE.has(rule)
}

/** The beginning of a file, for what is wrong with all of it. */
export function startOf(file: string, content?: string): Place {
  return { file, line: 1, column: 1, text: content?.split('\n', 1)[0] }
}

/** A place by its offset in the text. */
export function placeAt(file: string, content: string, offset: number): Place {
  const before = content.slice(0, offset)
  const line = before.split('\n').length
  return { file, line, column: offset - before.lastIndexOf('\n'), text: content.split('\n')[line - 1] }
}

const placeSchema = objectOf({ file: text, line: whole, column: whole })

/** The shape of `problemData`. */
export const problemsSchema = listOf(
  objectOf({
    severity: oneOf('error', 'warning'),
    rule: text,
    event: text,
    path: text,
    message: text,
    fix: text,
    at: placeSchema,
    previous: orNull(placeSchema),
  }),
)

/** A problem as programs get it: without the lines of the files. */
export function problemData({ at, previous, ...problem }: Problem): object {
  return { ...problem, at: withoutText(at), previous: previous === undefined ? null : withoutText(previous) }
}

function withoutText({ file, line, column }: Place): object {
  return { file, line, column }
}

const SHOWN_MAX = 140

/** A problem as people read it: place and rule, the lines of both versions, what to do. */
export function problemLines({ severity, rule, message, fix, at, previous }: Problem): readonly string[] {
  return [
    `${placeText(at)} ${severity} ${rule}: ${message}`,
    ...sourceLines('  now', at),
    ...(previous === undefined ? [] : [`  was ${placeText(previous)}`, ...sourceLines('  was', previous)]),
    `  fix: ${fix}`,
  ]
}

/** One annotation of a GitHub workflow. https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
export function githubLine({ severity, rule, message, fix, at, previous }: Problem): string {
  const { file, line, column } = at
  const compared = previous === undefined ? '' : `\nCompared with ${placeText(previous)}`
  const properties = Object.entries({ file, line, col: column, title: rule }).map(
    ([name, value]) => `${name}=${escaped(String(value)).replaceAll(':', '%3A').replaceAll(',', '%2C')}`,
  )
  return `::${severity} ${properties.join(',')}::${escaped(`${message}\nFix: ${fix}${compared}`)}`
}

export function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`
}

function sourceLines(label: string, { line, text: content }: Place): readonly string[] {
  const shown = content?.trim() ?? ''
  // A bracket alone says nothing.
  return /^[{[]?$/.test(shown)
    ? []
    : [`${label} ${line} | ${shown.length > SHOWN_MAX ? `${shown.slice(0, SHOWN_MAX)}…` : shown}`]
}

function escaped(content: string): string {
  return content.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}
