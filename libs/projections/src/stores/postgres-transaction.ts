import { fail } from '../errors.ts'
import { explained, type PoolClient, type PostgresRow } from './postgres-connections.ts'
import { RowBatch, type RowWriter } from './rows/row-changes.ts'
import { type Columns, createTableSql, type RowTable } from './rows/row-table.ts'
import { writePostgresRows } from './rows/postgres-row-writer.ts'

/** Questions to a read model. `bigint` columns come as bigints, `numeric` as text, `timestamptz` as Dates. */
export interface PostgresReader {
  /** All rows of a statement with `$1`, `$2` … for its values. */
  all<Row extends PostgresRow = PostgresRow>(sql: string, ...values: readonly unknown[]): Promise<readonly Row[]>
  /** The first row; undefined when there is none. */
  get<Row extends PostgresRow = PostgresRow>(sql: string, ...values: readonly unknown[]): Promise<Row | undefined>
}

/** The open transaction of a projection handler. It is over when the handler's batch is. */
export interface PostgresTransaction extends PostgresReader {
  /** The driver's own connection inside this transaction, for a query builder. It must not end the transaction. */
  readonly client: PoolClient
  /** Runs one statement. */
  run(sql: string, ...values: readonly unknown[]): Promise<{ readonly changes: number }>
  /** Runs several statements without values, for `setup`. */
  exec(sql: string): Promise<void>
  /** Makes a table in `setup`. */
  createTable(table: RowTable): Promise<void>
  /**
   * Changes rows by key without waiting: what a batch of events does to a row is folded and written in one statement
   * per table, before the next question and before the commit. This is the fast way.
   */
  rows<Key extends Columns, Rest extends Columns>(table: RowTable<Key, Rest>): RowWriter<Key, Rest>
}

/** Runs what a projector does in a transaction that is open on `client`, up to its last row. */
export async function inOpenTransaction<Result>(
  client: PoolClient,
  work: (tx: PostgresTransaction) => Result | Promise<Result>,
): Promise<Result> {
  const tx = new OpenPostgresTransaction(client)
  try {
    const result = await work(tx)
    await tx.flush()
    return result
  } finally {
    tx.end()
  }
}

/** A handler's transaction; `end` makes it refuse what a handler did not wait for. */
class OpenPostgresTransaction implements PostgresTransaction {
  readonly #client: PoolClient
  readonly #batch = new RowBatch()
  #open = true

  constructor(client: PoolClient) {
    this.#client = client
  }

  get client(): PoolClient {
    return this.#use()
  }

  async all<Row extends PostgresRow>(sql: string, ...values: readonly unknown[]): Promise<readonly Row[]> {
    await this.flush()
    return (await explained(() => this.#use().query<Row>(sql, [...values]))).rows
  }

  async get<Row extends PostgresRow>(sql: string, ...values: readonly unknown[]): Promise<Row | undefined> {
    return (await this.all<Row>(sql, ...values))[0]
  }

  async run(sql: string, ...values: readonly unknown[]): Promise<{ readonly changes: number }> {
    await this.flush()
    const { rowCount } = await explained(() => this.#use().query(sql, [...values]))
    return { changes: rowCount ?? 0 }
  }

  async exec(sql: string): Promise<void> {
    await this.flush()
    await explained(() => this.#use().query(sql))
  }

  async createTable(table: RowTable): Promise<void> {
    await this.exec(createTableSql(table, 'postgres'))
  }

  rows<Key extends Columns, Rest extends Columns>(table: RowTable<Key, Rest>): RowWriter<Key, Rest> {
    this.#use()
    return this.#batch.rows(table)
  }

  /** Writes the rows that are still only in memory. */
  async flush(): Promise<void> {
    const client = this.#use()
    if (this.#batch.isEmpty) return
    const run = (sql: string, values: readonly unknown[]): Promise<unknown> =>
      explained(() => client.query(sql, [...values]))
    await writePostgresRows(run, this.#batch)
  }

  end(): void {
    this.#open = false
  }

  #use(): PoolClient {
    if (!this.#open) throw fail('TRANSACTION_OVER', 'a handler used its transaction after it had returned')
    return this.#client
  }
}
