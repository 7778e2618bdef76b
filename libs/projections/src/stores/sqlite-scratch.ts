import type { DatabaseSync } from 'node:sqlite'
import type { ChangedRows, Scratch } from '../scratch.ts'
import { RowWatch } from './row-watch.ts'
import { quoted } from './rows/row-statements.ts'
import { SqliteGeneration } from './sqlite-generation.ts'
import type { SqliteTransaction, SqliteValue } from './sqlite-session.ts'
import { authorTables } from './sqlite-tables.ts'

/** Runs `work` with scratch rows in a database in memory. */
export async function inSqliteScratch<Result>(
  projector: string,
  work: (scratch: Scratch<SqliteTransaction>) => Promise<Result>,
): Promise<Result> {
  const nobodys = { generation: 0, version: 0, ownerEpoch: 0 }
  const generation = new SqliteGeneration({ path: ':memory:', projector, ...nobodys })
  try {
    return await work(new SqliteScratch(generation))
  } finally {
    await generation.close()
  }
}

class SqliteScratch implements Scratch<SqliteTransaction> {
  readonly #generation: SqliteGeneration
  #watch: RowWatch | undefined

  constructor(generation: SqliteGeneration) {
    this.#generation = generation
  }

  async run(work: (tx: SqliteTransaction) => void | Promise<void>): Promise<void> {
    await this.#generation.run(work)
  }

  async watch(work: (tx: SqliteTransaction) => void | Promise<void>): Promise<ChangedRows> {
    this.#watch ??= watching(this.#generation.reader.database)
    // What a transaction has changed that was rolled back afterwards is nothing.
    this.#watch.take()
    await this.#generation.run(work)
    return this.#watch.take()
  }
}

interface WatchedTable {
  readonly name: string
  readonly columns: readonly string[]
  readonly keyColumns: readonly string[]
}

/** How a trigger gives a row's values before and after, for `before` and `after`. */
const OPERATIONS = [
  { event: 'INSERT', before: false, after: true },
  { event: 'UPDATE', before: true, after: true },
  { event: 'DELETE', before: true, after: false },
] as const

/**
 * Hears of every row that changes from now on in the tables that are there: by temporary triggers, since the sessions of
 * SQLite are silent about tables without a primary key. Virtual tables have no triggers and are left out.
 */
function watching(database: DatabaseSync): RowWatch {
  const watch = new RowWatch()
  const tables = ordinaryTables(database)
  const noted = (...values: readonly (SqliteValue | undefined)[]): null => {
    const [table, operation] = [tables[Number(values[0])], OPERATIONS[Number(values[1])]]
    if (table === undefined || operation === undefined) return null
    const rest = values.slice(2).map(shortInteger)
    const first = rowOf(table, rest)
    const before = operation.before ? first : null
    const after = operation.before ? rowOf(table, rest.slice(table.columns.length)) : first
    const key = Object.fromEntries(table.keyColumns.map((column) => [column, first[column]]))
    watch.note({ table: table.name, key, before, after: operation.after ? after : null })
    return null
  }
  database.function('keyfold_changed', { varargs: true, useBigIntArguments: true }, noted)
  // Without it nothing would be heard of the row that an INSERT OR REPLACE deletes.
  database.exec('PRAGMA recursive_triggers = ON')
  for (const [index, table] of tables.entries()) database.exec(triggersOf(table, index))
  return watch
}

function ordinaryTables(database: DatabaseSync): readonly WatchedTable[] {
  const ordinary = database.prepare(
    "SELECT 1 FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name = ?",
  )
  const columns = database.prepare('SELECT name, pk FROM pragma_table_info(?) ORDER BY cid')
  return authorTables(database)
    .filter((name) => ordinary.get(name) !== undefined)
    .map((name) => {
      const found = columns.all(name)
      const keys = found
        .filter(({ pk }) => pk !== 0)
        .toSorted((left, right) => Number(left['pk']) - Number(right['pk']))
      const namesOf = (rows: typeof found): readonly string[] => rows.map((row) => String(row['name']))
      return { name, columns: namesOf(found), keyColumns: namesOf(keys) }
    })
}

function triggersOf({ name, columns }: WatchedTable, index: number): string {
  const values = (row: 'OLD' | 'NEW'): readonly string[] => columns.map((column) => `${row}.${quoted(column)}`)
  const triggers = OPERATIONS.map(({ event, before, after }, operation) => {
    const given = [index, operation, ...(before ? values('OLD') : []), ...(after ? values('NEW') : [])]
    return `CREATE TEMP TRIGGER keyfold_${index}_${operation} AFTER ${event} ON main.${quoted(name)}
      BEGIN SELECT keyfold_changed(${given.join(', ')}); END;`
  })
  return triggers.join('\n')
}

function rowOf({ columns }: WatchedTable, values: readonly unknown[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(columns.map((column, at) => [column, values[at]]))
}

/** As `get` would answer it, and a bigint where no number can hold it. */
function shortInteger(value: SqliteValue | undefined): SqliteValue | undefined {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}
