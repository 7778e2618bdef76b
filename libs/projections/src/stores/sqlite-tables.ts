import type { DatabaseSync } from 'node:sqlite'
import { breathe } from '../clock.ts'
import type { TableDigest } from '../read-model-store.ts'
import { RowChecksum, valueText } from './row-checksum.ts'
import { quoted } from './rows/row-statements.ts'

const ROWS_PER_TURN = 1_000

/** The tables that the author made; those of SQLite and of Keyfold are left out. */
export function authorTables(database: DatabaseSync): readonly string[] {
  return database
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !name.startsWith('keyfold_'))
}

/** The digests of the tables that the author made. */
export async function tableDigests(database: DatabaseSync): Promise<readonly TableDigest[]> {
  const digests: TableDigest[] = []
  for (const name of authorTables(database)) digests.push(await digestOf(database, name))
  return digests
}

/** Columns are taken by name, since two generations may have declared them in different orders. */
async function digestOf(database: DatabaseSync, table: string): Promise<TableDigest> {
  const columns = database
    .prepare('SELECT name FROM pragma_table_info(?) ORDER BY name')
    .all(table)
    .map(({ name }) => quoted(String(name)))
  const select = database.prepare(`SELECT ${columns.join(', ')} FROM ${quoted(table)}`)
  select.setReadBigInts(true)
  select.setReturnArrays(true)
  const checksum = new RowChecksum()
  for (const row of select.iterate()) {
    checksum.add((row as unknown as readonly unknown[]).map(valueText).join(''))
    if (checksum.rows % ROWS_PER_TURN === 0) await breathe()
  }
  return { name: table, rows: checksum.rows, checksum: checksum.hex }
}
