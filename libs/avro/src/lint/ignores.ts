import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, printJson } from '../json/json-value.ts'
import { type JsonSpan, parseJson } from '../json/parse-json.ts'
import { SCHEMA_LIMITS } from '../schema/limits.ts'
import type { LocatedSchema, SourcePosition } from '../source/schema-source.ts'
import type { Report } from './finding.ts'
import { isLintRule } from './lint-rules.ts'

/** The member of a schema file that lists what the linter is to let pass. */
export const LINT_MEMBER = 'keyfold.lint'

/** One exception: `{ "rule": …, "path": …, "reason": … }`. Without a path it holds everywhere in the schema. */
export interface LintIgnore {
  readonly rule: string
  readonly path: string | undefined
  readonly reason: string
  readonly at: SourcePosition
}

/** Reads the exceptions of a schema; those that nobody could judge are reported. */
export function readIgnores(schema: LocatedSchema): { readonly ignores: LintIgnore[]; readonly reports: Report[] } {
  const ignores: LintIgnore[] = []
  const reports: Report[] = []
  const lint = isJsonObject(schema.json) ? schema.json.get(LINT_MEMBER) : undefined
  if (lint === undefined) return { ignores, reports }
  const report = (message: string, pointer: string) =>
    reports.push({ rule: 'AVRO_LINT_IGNORE_INVALID', path: '', message, at: schema.position(pointer) })
  const list = isJsonObject(lint) ? lint.get('ignore') : undefined
  if (!isJsonArray(list)) {
    report(`"${LINT_MEMBER}" is not { "ignore": [ … ] }`, `/${LINT_MEMBER}`)
    return { ignores, reports }
  }
  for (const [index, entry] of list.entries()) {
    const pointer = `/${LINT_MEMBER}/ignore/${index}`
    const problem = problemOf(entry)
    if (problem !== undefined) report(problem, pointer)
    else ignores.push(ignoreOf(entry as JsonObject, schema.position(pointer)))
  }
  return { ignores, reports }
}

function problemOf(entry: JsonValue): string | undefined {
  if (!isJsonObject(entry)) return `${printJson(entry)} is no exception`
  const rule = entry.get('rule')
  if (typeof rule !== 'string' || !isLintRule(rule)) return `There is no rule ${printJson(rule ?? null)}`
  if (entry.has('path') && typeof entry.get('path') !== 'string') return 'The path of an exception is text'
  const reason = entry.get('reason')
  return typeof reason === 'string' && reason.trim() !== '' ? undefined : `The exception from ${rule} has no reason`
}

function ignoreOf(entry: JsonObject, at: SourcePosition): LintIgnore {
  const path = entry.get('path')
  const [rule, reason] = [entry.get('rule'), entry.get('reason')].map(String)
  return { rule: rule ?? '', path: typeof path === 'string' ? path : undefined, reason: reason ?? '', at }
}

/**
 * The text of a schema without its exceptions: they are notes about the file, and must not make another schema of it.
 * A text that has none, or is no JSON object, comes back as it is.
 */
export function withoutLint(text: string): string {
  const spans = new Map<string, JsonSpan>()
  parseJson(text, SCHEMA_LIMITS.depthMax, spans)
  const span = spans.get(`/${LINT_MEMBER}`)
  if (!span) return text
  const before = text.slice(0, span.memberStart)
  const after = text.slice(span.end)
  return /^\s*,/.test(after) ? before + after.replace(/^\s*,\s*/, '') : before.replace(/\s*,?\s*$/, '') + after
}
