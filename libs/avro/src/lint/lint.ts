import { LocatedSchema, type SchemaSource, type SourcePosition } from '../source/schema-source.ts'
import { evolutionReports } from './evolution-rules.ts'
import type { LintFinding, Report } from './finding.ts'
import { type LintIgnore, readIgnores } from './ignores.ts'
import { LINT_RULES, type LintRule, type LintSeverity } from './lint-rules.ts'
import { schemaReports } from './schema-rules.ts'

export interface LintReport {
  /** What is wrong, in the order of the text. */
  readonly findings: readonly LintFinding[]
  /** What the file itself excepts, with its reasons. */
  readonly ignored: readonly (LintFinding & { readonly reason: string })[]
}

export interface LintOptions {
  /** Other severities than those of the rules. */
  readonly severities?: Readonly<Partial<Record<LintRule, LintSeverity | 'off'>>>
}

/** Looks at one version by itself. Throws `AVRO_SCHEMA_INVALID` for a text that is no schema under the strict rules. */
export function lintSchema(schema: SchemaSource, options: LintOptions = {}): LintReport {
  const located = new LocatedSchema(schema, true)
  return new Judge(located, options).judge(schemaReports(located))
}

/** Looks at the step from one version to the next. */
export function lintEvolution(previous: SchemaSource, next: SchemaSource, options: LintOptions = {}): LintReport {
  const located = new LocatedSchema(next, true)
  return new Judge(located, options).judge(evolutionReports(new LocatedSchema(previous, false), located))
}

/** Both, and exceptions in the file that are of no use: what a linter runs for every version and the one before it. */
export function lintVersion(
  next: SchemaSource,
  previous: SchemaSource | undefined,
  options: LintOptions = {},
): LintReport {
  const located = new LocatedSchema(next, true)
  const reports = [...schemaReports(located)]
  if (previous) reports.push(...evolutionReports(new LocatedSchema(previous, false), located))
  const judge = new Judge(located, options)
  const report = judge.judge(reports)
  return { ...report, findings: inOrder([...report.findings, ...judge.unused()]) }
}

class Judge {
  readonly #options: LintOptions
  readonly #root: SourcePosition
  readonly #ignores: readonly LintIgnore[]
  readonly #invalid: readonly Report[]
  readonly #used = new Set<LintIgnore>()

  constructor(schema: LocatedSchema, options: LintOptions) {
    const { ignores, reports } = readIgnores(schema)
    this.#options = options
    this.#root = schema.position('')
    this.#ignores = ignores
    this.#invalid = reports
  }

  judge(reports: Iterable<Report>): LintReport {
    const findings = this.#invalid.flatMap((report) => this.#findingOf(report))
    const ignored: (LintFinding & { readonly reason: string })[] = []
    for (const finding of [...reports].flatMap((report) => this.#findingOf(report))) {
      const ignore = this.#ignores.find(
        ({ rule, path }) => rule === finding.rule && (path === undefined || path === finding.path),
      )
      if (ignore) {
        this.#used.add(ignore)
        ignored.push({ ...finding, reason: ignore.reason })
      } else findings.push(finding)
    }
    return { findings: inOrder(findings), ignored: inOrder(ignored) }
  }

  /** To be asked after everything was judged. */
  unused(): readonly LintFinding[] {
    const unused = this.#ignores.filter((ignore) => !this.#used.has(ignore))
    return unused.flatMap(({ rule, path, at }) => {
      const message = `The exception from ${rule} matches nothing`
      return this.#findingOf({ rule: 'AVRO_LINT_IGNORE_UNUSED', path: path ?? '', message, at })
    })
  }

  #findingOf({ rule, path, message, fix, at, previousAt }: Report): readonly LintFinding[] {
    const severity = this.#options.severities?.[rule] ?? LINT_RULES[rule].severity
    if (severity === 'off') return []
    return [{ rule, severity, path, message, fix: fix ?? LINT_RULES[rule].fix, at: at ?? this.#root, previousAt }]
  }
}

function inOrder<Finding extends LintFinding>(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((left, right) => left.at.line - right.at.line || left.at.column - right.at.column)
}
