import type { SqliteSession, SqliteValue } from '../sqlite-session.ts'
import type { RowBatch, RowChanges } from './row-changes.ts'
import { onConflict, quoted, type UniformRows, uniformRows } from './row-statements.ts'
import type { RowTable } from './row-table.ts'

/** Writes folded rows through one prepared statement per shape. */
export function writeSqliteRows(session: SqliteSession, batch: RowBatch): void {
  for (const changes of batch.changed()) writeTable(session, changes)
}

function writeTable(session: SqliteSession, tableChanges: RowChanges): void {
  const { table } = tableChanges
  const changes = tableChanges.take()
  const removal = `DELETE FROM ${quoted(table.name)} WHERE ${Object.keys(table.key)
    .map((column) => `${quoted(column)} = ?`)
    .join(' AND ')}`
  for (const { removed, key } of changes) if (removed) session.run(removal, key.map(sqliteValue))
  for (const uniform of uniformRows(table, changes)) {
    const sql = upsert(table, uniform)
    for (const { key, set, added } of uniform.changes) {
      const values = [
        ...key,
        ...uniform.setColumns.map((column) => set.get(column)),
        ...uniform.addedColumns.map((column) => added.get(column)),
      ]
      session.run(sql, values.map(sqliteValue))
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
