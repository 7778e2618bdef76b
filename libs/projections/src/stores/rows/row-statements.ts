import type { RowChange } from './row-changes.ts'
import type { RowTable } from './row-table.ts'

/** Rows that one statement writes: they change the same columns in the same way. */
export interface UniformRows {
  readonly setColumns: readonly string[]
  readonly addedColumns: readonly string[]
  readonly changes: readonly RowChange[]
}

/** Rows to write, put together by the columns that they change; those that were only removed are left out. */
export function uniformRows({ columns }: RowTable, changes: readonly RowChange[]): readonly UniformRows[] {
  const names = Object.keys(columns)
  const groups = new Map<string, UniformRows & { readonly changes: RowChange[] }>()
  for (const change of changes) {
    const { stays, set, added } = change
    if (!stays) continue
    const shape = names.map((name) => shapeOf(set, added, name)).join('')
    const group = groups.get(shape)
    if (group !== undefined) group.changes.push(change)
    else
      groups.set(shape, {
        setColumns: names.filter((name) => set.has(name)),
        addedColumns: names.filter((name) => added.has(name)),
        changes: [change],
      })
  }
  return [...groups.values()]
}

/** The tail of an upsert, the same in SQLite and PostgreSQL. */
export function onConflict({ name, key }: RowTable, { setColumns, addedColumns }: UniformRows): string {
  const target = Object.keys(key).map(quoted).join(', ')
  const updates = [
    ...setColumns.map((column) => `${quoted(column)} = excluded.${quoted(column)}`),
    ...addedColumns.map((column) => {
      const before = `coalesce(${quoted(name)}.${quoted(column)}, 0)`
      return `${quoted(column)} = ${before} + excluded.${quoted(column)}`
    }),
  ]
  return `ON CONFLICT (${target}) DO ${updates.length === 0 ? 'NOTHING' : `UPDATE SET ${updates.join(', ')}`}`
}

export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

function shapeOf(set: RowChange['set'], added: RowChange['added'], column: string): string {
  if (set.has(column)) return 's'
  return added.has(column) ? 'a' : '-'
}
