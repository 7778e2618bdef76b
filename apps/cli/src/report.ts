import type { ExitName } from './exit-codes.ts'

/** What a command has found out, said once for every output format. */
export interface Report {
  /** Left out: `ok`. `found` is exit code 1, `usage` 2, `partial` 4, `refused` 5. */
  readonly status?: ReportStatus
  /** The `data` of the envelope; has to fit the command's `data` schema. */
  readonly data: unknown
  /** For people, in place of `data`; also what `-o plain` prints, tab-separated and without headings. */
  readonly tables?: readonly Table[]
  /** Lines for people, printed before the tables. */
  readonly lines?: readonly string[]
  /** What `-q` prints, one on each line. */
  readonly ids?: readonly string[]
  /** What `-o ndjson` prints, one on each line. Left out: `data` itself, or its members when it is a list. */
  readonly items?: readonly unknown[]
  readonly diagnostics?: readonly Diagnostic[]
}

export type ReportStatus = Extract<ExitName, 'ok' | 'found' | 'usage' | 'partial' | 'refused'>

/** Something worth saying that is not the result: on stderr for people, in the envelope for programs. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning' | 'info'
  readonly code: string
  readonly message: string
  readonly fix?: string
}

export interface Table {
  readonly title?: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
}

/** A heading, and whether the column holds numbers: these stand at the right. */
export type Column = string | { readonly heading: string; readonly right: true }

export type Cell = string | number | bigint | boolean | null
