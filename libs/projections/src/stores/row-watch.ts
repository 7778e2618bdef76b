import { CHANGED_ROWS_MAX, type ChangedRow, type ChangedRows } from '../scratch.ts'
import { valueText } from './row-checksum.ts'

/** Collects what one transaction after the other does to rows; several changes of a row are told as one. */
export class RowWatch {
  readonly #rows = new Map<unknown, ChangedRow>()
  #omitted = 0

  note(row: ChangedRow): void {
    // Rows of a table without a key cannot be told apart.
    const identity = Object.keys(row.key).length === 0 ? row : valueText([row.table, row.key])
    const earlier = this.#rows.get(identity)
    if (earlier !== undefined) this.#rows.set(identity, { ...earlier, after: row.after })
    else if (this.#rows.size < CHANGED_ROWS_MAX) this.#rows.set(identity, row)
    else this.#omitted += 1
  }

  /** What came since the last time. */
  take(): ChangedRows {
    const rows = [...this.#rows.values()].filter(({ before, after }) => valueText(before) !== valueText(after))
    const taken = { rows, omitted: this.#omitted }
    this.#rows.clear()
    this.#omitted = 0
    return taken
  }
}
