/** Rows that nobody serves and nothing keeps, to try events on. */
export interface Scratch<Tx = unknown> {
  /** Runs `work` in one transaction. Whatever it throws is thrown on, after a rollback. */
  run(work: (tx: Tx) => void | Promise<void>): Promise<void>
  /** The same, and answers which rows it has changed. */
  watch(work: (tx: Tx) => void | Promise<void>): Promise<ChangedRows>
}

/** What one transaction has changed, in the order in which rows were met. */
export interface ChangedRows {
  /** At most `CHANGED_ROWS_MAX`. */
  readonly rows: readonly ChangedRow[]
  /** How many more changes there were. */
  readonly omitted: number
}

/** What became of a row. One that is in the end as it was before is not among them. */
export interface ChangedRow {
  readonly table: string
  /** The columns of its primary key; empty where the table has none. In memory: `{ key }`. */
  readonly key: Readonly<Record<string, unknown>>
  /** All its columns, by name; null when it was not there. In memory: whatever the projector has set. */
  readonly before: unknown
  /** The same; null when it is not there any more. */
  readonly after: unknown
}

/** Beyond so many rows of one transaction changes are only counted. */
export const CHANGED_ROWS_MAX = 50
