import { fail } from '../errors.ts'
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
  #open = true

  constructor(session: SqliteSession) {
    this.#session = session
    this.bigints = queries(() => this.#use(), true)
  }

  run(sql: string, ...parameters: SqliteParameters): { readonly changes: number } {
    return this.#use().run(sql, parameters)
  }

  get<Row>(sql: string, ...parameters: SqliteParameters): Row | undefined {
    return this.#use().get(sql, parameters, false) as Row | undefined
  }

  all<Row>(sql: string, ...parameters: SqliteParameters): readonly Row[] {
    return this.#use().all(sql, parameters, false) as readonly Row[]
  }

  exec(sql: string): void {
    this.#use().database.exec(sql)
  }

  end(): void {
    this.#open = false
  }

  #use(): SqliteSession {
    if (!this.#open) throw fail('TRANSACTION_OVER', 'a handler used its transaction after it had returned')
    if (!this.#session.database.isTransaction)
      throw fail('TRANSACTION_OVER', 'a statement of a handler ended its transaction')
    return this.#session
  }
}

function queries(session: () => SqliteSession, bigints: boolean): SqliteQueries {
  return {
    get: <Row>(sql: string, ...parameters: SqliteParameters) =>
      session().get(sql, parameters, bigints) as Row | undefined,
    all: <Row>(sql: string, ...parameters: SqliteParameters) =>
      session().all(sql, parameters, bigints) as readonly Row[],
  }
}
