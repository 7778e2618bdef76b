import type { SourcePosition } from '../source/schema-source.ts'
import type { LintRule, LintSeverity } from './lint-rules.ts'

/** One thing that is allowed by Avro and still wrong, or likely to be. */
export interface LintFinding {
  readonly rule: LintRule
  readonly severity: LintSeverity
  /** By names: `Order.lines[].sku`. */
  readonly path: string
  readonly message: string
  readonly fix: string
  /** In the text that was linted, the newer one of two. */
  readonly at: SourcePosition
  /** In the older text, where there is such a place. */
  readonly previousAt: SourcePosition | undefined
}

/** What a rule reports; severity and fix come from the table of rules unless given. */
export interface Report {
  readonly rule: LintRule
  readonly path: string
  readonly message: string
  readonly fix?: string
  readonly at: SourcePosition | undefined
  readonly previousAt?: SourcePosition | undefined
}
