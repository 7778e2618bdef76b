import type { SqliteSession, SqliteValue } from '../sqlite-session.ts'
import type { RowBatch, RowChanges } from './row-changes.ts'
import { onConflict, quoted, type UniformRows, uniformRows } from './row-statements.ts'
import type { RowTable } from './row-table.ts'

const ROWS_PER_STEP = 500

/** Writes folded rows through one prepared statement per shape. */
export function writeSqliteRows(session: SqliteSession, batch: RowBatch): void {
  const steps = writingSqliteRows(session, batch)
  while (steps.next().done !== true);
}

/** The same step by step, for who would rather pause in between. */
export function* writingSqliteRows(session: SqliteSession, batch: RowBatch): Generator<void, void> {
  for (const changes of batch.changed()) yield* writingTable(session, changes)
}

function* writingTable(session: SqliteSession, tableChanges: RowChanges): Generator<void, void> {
  const { table } = tableChanges
  const changes = tableChanges.take()
  const removal = `DELETE FROM ${quoted(table.name)} WHERE ${Object.keys(table.key)
    .map((column) => `${quoted(column)} = ?`)
    .join(' AND ')}`
  let written = 0
  for (const { removed, key } of changes) {
    if (removed) session.run(removal, key.map(sqliteValue))
    if (removed && ++written % ROWS_PER_STEP === 0) yield
  }
  for (const uniform of uniformRows(table, changes)) {
    const sql = upsert(table, uniform)
    for (const { key, set, added } of uniform.changes) {
      const values = [
        ...key,
        ...uniform.setColumns.map((column) => set.get(column)),
        ...uniform.addedColumns.map((column) => added.get(column)),
      ]
      session.run(sql, values.map(sqliteValue))
      if (++written % ROWS_PER_STEP === 0) yield
    }
  }
}

function upsert(table: RowTable, uniform: UniformRows): string {
  const columns = [...Object.keys(table.key), ...uniform.setColumns, ...uniform.addedColumns].map(quoted)
  const marks = columns.map(() => '?').join(', ')
  return `INSERT INTO ${quoted(table.name)} (${columns.join(', ')}) VALUES (${marks}) ${onConflict(table, uniform)}`
}

function sqliteValue(value: unknown): SqliteValue {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Date) return value.getTime()
  if (value === null || value instanceof Uint8Array) return value
  return typeof value === 'object' ? JSON.stringify(value) : (value as SqliteValue)
}
