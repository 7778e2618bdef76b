import type { RowBatch, RowChange, RowChanges } from './row-changes.ts'
import { onConflict, quoted, type UniformRows, uniformRows } from './row-statements.ts'
import { COLUMN_TYPES, type ColumnSpecification, type RowTable, typeOf } from './row-table.ts'

type Run = (sql: string, parameters: readonly unknown[]) => Promise<unknown>

/** Writes folded rows: per table one DELETE and one INSERT per shape, each with a whole column as one parameter. */
export async function writePostgresRows(run: Run, batch: RowBatch): Promise<void> {
  for (const changes of batch.changed()) await writeTable(run, changes)
}

async function writeTable(run: Run, tableChanges: RowChanges): Promise<void> {
  const { table } = tableChanges
  const changes = tableChanges.take()
  const removed = changes.filter((change) => change.removed)
  if (removed.length > 0) await run(removal(table), keyColumns(table, removed))
  for (const uniform of uniformRows(table, changes)) await run(upsert(table, uniform), columnsOf(table, uniform))
}

function removal({ name, key }: RowTable): string {
  const columns = Object.keys(key)
  const matches = columns.map((column) => `gone.${quoted(column)} = ${quoted(name)}.${quoted(column)}`).join(' AND ')
  return `DELETE FROM ${quoted(name)} USING ${unnest(columns, key)} AS gone (${columns.map(quoted).join(', ')})
    WHERE ${matches}`
}

function upsert(table: RowTable, uniform: UniformRows): string {
  const columns = [...Object.keys(table.key), ...uniform.setColumns, ...uniform.addedColumns]
  const rows = unnest(columns, { ...table.key, ...table.columns })
  return `INSERT INTO ${quoted(table.name)} (${columns.map(quoted).join(', ')}) SELECT * FROM ${rows} ${onConflict(table, uniform)}`
}

function unnest(columns: readonly string[], specifications: Readonly<Record<string, ColumnSpecification>>): string {
  const parameters = columns.map((column, index) => {
    const { postgres } = COLUMN_TYPES[typeOf(specifications[column] ?? 'text')]
    return `$${index + 1}::${postgres}[]`
  })
  return `unnest(${parameters.join(', ')})`
}

function columnsOf(table: RowTable, { setColumns, addedColumns, changes }: UniformRows): readonly unknown[] {
  return [
    ...keyColumns(table, changes),
    ...setColumns.map((column) => {
      const json = typeOf(table.columns[column] ?? 'text') === 'json'
      return changes.map(({ set }) => (json ? jsonText(set.get(column)) : set.get(column)))
    }),
    ...addedColumns.map((column) => changes.map(({ added }) => added.get(column))),
  ]
}

function keyColumns({ key }: RowTable, changes: readonly RowChange[]): unknown[][] {
  return Object.keys(key).map((_, index) => changes.map((change) => change.key[index]))
}

/** A JSON null of the author's is the database's NULL, as everywhere else. */
function jsonText(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}
