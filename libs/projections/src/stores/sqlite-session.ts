import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { fail } from '../errors.ts'
import type { RowWriter } from './rows/row-changes.ts'
import type { Columns, RowTable } from './rows/row-table.ts'

/** What a statement's parameters may be. Integers beyond 2^53 are bigints; a Date is stored as the author decides. */
export type SqliteValue = null | number | bigint | string | Uint8Array
/** Values for `?` in their order, or one object for named parameters (`:name`, `$name`, `@name`). */
export type SqliteParameters = readonly SqliteValue[] | readonly [Readonly<Record<string, SqliteValue>>]

/** Questions to a read model. Prepared statements are kept, so give the same text again and pass what varies. */
export interface SqliteQueries {
  /** The first row; undefined when there is none. */
  get<Row = Record<string, SqliteValue>>(sql: string, ...parameters: SqliteParameters): Row | undefined
  all<Row = Record<string, SqliteValue>>(sql: string, ...parameters: SqliteParameters): readonly Row[]
}

/** Reads one read model: always its serving generation, and only what is committed. */
export interface SqliteReader extends SqliteQueries {
  /**
   * The same questions with every INTEGER as a bigint. The plain ones give numbers and throw `INTEGER_TOO_LARGE` for
   * an integer that no number can hold.
   */
  readonly bigints: SqliteQueries
}

/** The open transaction of a projection handler. It is over when the handler's batch is. */
export interface SqliteTransaction extends SqliteReader {
  run(sql: string, ...parameters: SqliteParameters): { readonly changes: number }
  /** Runs several statements without parameters, for `setup`. */
  exec(sql: string): void
  /** Makes a table in `setup`. */
  createTable(table: RowTable): void
  /**
   * Changes rows by key: what a batch of events does to a row is folded and written once, before the next question and
   * before the commit.
   */
  rows<Key extends Columns, Rest extends Columns>(table: RowTable<Key, Rest>): RowWriter<Key, Rest>
}

const STATEMENTS_MAX = 500

/** One connection with its prepared statements. */
export class SqliteSession {
  readonly database: DatabaseSync
  readonly #numbers = new Map<string, StatementSync>()
  readonly #bigints = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  run(sql: string, parameters: SqliteParameters): { readonly changes: number } {
    const { changes } = this.#numberStatement(sql).run(...(parameters as SQLInputValue[]))
    return { changes: Number(changes) }
  }

  get(sql: string, parameters: SqliteParameters, bigints: boolean): unknown {
    if (bigints) return this.#bigintStatement(sql).get(...(parameters as SQLInputValue[]))
    return guardIntegers(sql, () => this.#numberStatement(sql).get(...(parameters as SQLInputValue[])))
  }

  all(sql: string, parameters: SqliteParameters, bigints: boolean): unknown[] {
    if (bigints) return this.#bigintStatement(sql).all(...(parameters as SQLInputValue[]))
    return guardIntegers(sql, () => this.#numberStatement(sql).all(...(parameters as SQLInputValue[])))
  }

  #numberStatement(sql: string): StatementSync {
    return this.#numbers.get(sql) ?? keep(this.#numbers, sql, this.database.prepare(sql))
  }

  #bigintStatement(sql: string): StatementSync {
    const kept = this.#bigints.get(sql)
    if (kept !== undefined) return kept
    const statement = this.database.prepare(sql)
    statement.setReadBigInts(true)
    return keep(this.#bigints, sql, statement)
  }
}

/** Bounded: a text that is put together anew every time must not fill the memory. */
function keep(statements: Map<string, StatementSync>, sql: string, statement: StatementSync): StatementSync {
  const [oldest] = statements.keys()
  if (statements.size >= STATEMENTS_MAX && oldest !== undefined) statements.delete(oldest)
  statements.set(sql, statement)
  return statement
}

function guardIntegers<Result>(sql: string, query: () => Result): Result {
  try {
    return query()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_OUT_OF_RANGE') throw error
    throw fail('INTEGER_TOO_LARGE', `a row of ${oneLine(sql)} has an integer beyond 2^53`, { cause: error })
  }
}

function oneLine(sql: string): string {
  return `"${sql.trim().replaceAll(/\s+/g, ' ').slice(0, 120)}"`
}
