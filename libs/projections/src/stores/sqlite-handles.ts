import { breathe } from '../clock.ts'
import { fail } from '../errors.ts'
import { RowBatch, type RowWriter } from './rows/row-changes.ts'
import { type Columns, createTableSql, type RowTable } from './rows/row-table.ts'
import { writeSqliteRows, writingSqliteRows } from './rows/sqlite-row-writer.ts'
import type {
  SqliteParameters,
  SqliteQueries,
  SqliteReader,
  SqliteSession,
  SqliteTransaction,
} from './sqlite-session.ts'

/** Questions through whichever connection `session` names at the moment of asking. */
export function sqliteReader(session: () => SqliteSession): SqliteReader {
  return { ...queries(session, false), bigints: queries(session, true) }
}

/** A handler's transaction; `end` makes it refuse what a handler did not wait for. */
export class OpenSqliteTransaction implements SqliteTransaction {
  readonly bigints: SqliteQueries
  readonly #session: SqliteSession
  readonly #batch = new RowBatch()
  #open = true

  constructor(session: SqliteSession) {
    this.#session = session
    this.bigints = queries(() => this.#flushed(), true)
  }

  run(sql: string, ...parameters: SqliteParameters): { readonly changes: number } {
    return this.#flushed().run(sql, parameters)
  }

  get<Row>(sql: string, ...parameters: SqliteParameters): Row | undefined {
    return this.#flushed().get(sql, parameters, false) as Row | undefined
  }

  all<Row>(sql: string, ...parameters: SqliteParameters): readonly Row[] {
    return this.#flushed().all(sql, parameters, false) as readonly Row[]
  }

  exec(sql: string): void {
    this.#flushed().database.exec(sql)
  }

  createTable(table: RowTable): void {
    this.exec(createTableSql(table, 'sqlite'))
  }

  rows<Key extends Columns, Rest extends Columns>(table: RowTable<Key, Rest>): RowWriter<Key, Rest> {
    this.#use()
    return this.#batch.rows(table)
  }

  /** Writes the rows that are still only in memory; answers a promise only where they are so many that it pauses. */
  flush(): Promise<void> | undefined {
    const session = this.#use()
    if (this.#batch.isEmpty) return undefined
    const steps = writingSqliteRows(session, this.#batch)
    return steps.next().done === true ? undefined : goThrough(steps)
  }

  end(): void {
    this.#open = false
  }

  #flushed(): SqliteSession {
    const session = this.#use()
    if (!this.#batch.isEmpty) writeSqliteRows(session, this.#batch)
    return session
  }

  #use(): SqliteSession {
    if (!this.#open) throw fail('TRANSACTION_OVER', 'a handler used its transaction after it had returned')
    if (!this.#session.database.isTransaction)
      throw fail('TRANSACTION_OVER', 'a statement of a handler ended its transaction')
    return this.#session
  }
}

async function goThrough(steps: Generator<void, void>): Promise<void> {
  do await breathe()
  while (steps.next().done !== true)
}

function queries(session: () => SqliteSession, bigints: boolean): SqliteQueries {
  return {
    get: <Row>(sql: string, ...parameters: SqliteParameters) =>
      session().get(sql, parameters, bigints) as Row | undefined,
    all: <Row>(sql: string, ...parameters: SqliteParameters) =>
      session().all(sql, parameters, bigints) as readonly Row[],
  }
}
