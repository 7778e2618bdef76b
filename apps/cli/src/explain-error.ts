import { type ErrorRow, errorTable } from './error-table.ts'
import { libraryErrors } from './library-errors.ts'

const rows: ReadonlyMap<string, ErrorRow> = new Map(Object.entries({ ...libraryErrors, ...errorTable }))

/** Every code that `keyfold explain` knows, in alphabetical order. */
export const explainedCodes: readonly string[] = [...rows.keys()].sort()

/** The row of an error code, of the commands or of a library. */
export function explanationOf(code: string): ErrorRow | undefined {
  return rows.get(code)
}
