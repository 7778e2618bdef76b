import type { CustomTypesConfig, Pool, PoolClient, PoolConfig, QueryResult, QueryResultRow } from 'pg'
import { fail, textOf } from '../errors.ts'

export type { PoolClient } from 'pg'

export type PostgresRow = QueryResultRow

/** SQLSTATE classes and codes after which the same work may succeed: connection, resources, shutdown, conflict. */
const PASSING = /^(08...|53...|57P0[1-4]|40001|40P01|55P03|25P03|25006)$/
const PASSING_NODE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
const PASSING_TEXT =
  /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|connection ended/i

/** The connections of one store: some that write, others that read, so that neither waits for the other. */
export class PostgresConnections {
  readonly #writing: Pool
  readonly #reading: Pool
  /** The search path that a reading connection has now. */
  readonly #paths = new WeakMap<PoolClient, string>()

  private constructor(writing: Pool, reading: Pool) {
    this.#writing = writing
    this.#reading = reading
    for (const pool of [writing, reading]) {
      // A connection that breaks, idle or between two statements, is replaced by the pool; whoever uses it next learns
      // of the outage from its statement.
      pool.on('error', () => {})
      pool.on('connect', (client) => client.on('error', () => {}))
    }
  }

  /** Errors: `STORE_DRIVER_MISSING`. */
  static async open(config: PoolConfig): Promise<PostgresConnections> {
    const { default: pg } = await import('pg').catch((error: unknown) => {
      throw fail('STORE_DRIVER_MISSING', `the package pg cannot be loaded: ${textOf(error)}`, { cause: error })
    })
    const { types, Pool: PoolClass } = pg
    const getTypeParser: CustomTypesConfig['getTypeParser'] = (oid, format) =>
      oid === types.builtins.INT8 && format !== 'binary' ? BigInt : types.getTypeParser(oid, format)
    // A process that was stopped in the middle of a transaction would keep its successor from the checkpoint for good.
    const bounds: PoolConfig = { connectionTimeoutMillis: 10_000, idle_in_transaction_session_timeout: 60_000 }
    const shared: PoolConfig = { ...bounds, ...config, types: { getTypeParser } }
    return new PostgresConnections(new PoolClass(shared), new PoolClass(shared))
  }

  /** Runs one statement by itself. Errors: `READ_MODEL_UNAVAILABLE`, and the database's own. */
  async run<Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<QueryResult<Row>> {
    return await explained(() => this.#writing.query<Row>(sql, [...values]))
  }

  /**
   * Runs `work` between `begin` (which may be several statements, the first of them BEGIN) and COMMIT. Errors:
   * `READ_MODEL_UNAVAILABLE` when the connection was lost, with COMMIT maybe done; whatever `work` throws, after a rollback.
   */
  async transaction<Result>(begin: string, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return await this.#between(begin, 'COMMIT', work)
  }

  /** The same, and takes back all that was done. */
  async trial<Result>(begin: string, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return await this.#between(begin, 'ROLLBACK', work)
  }

  async #between<Result>(
    begin: string,
    end: 'COMMIT' | 'ROLLBACK',
    work: (client: PoolClient) => Promise<Result>,
  ): Promise<Result> {
    return await explained(async () => {
      const client = await this.#writing.connect()
      let broken: Error | undefined
      try {
        await client.query(begin)
        const result = await work(client)
        const { command } = await client.query(end)
        // COMMIT of a transaction in which a statement failed is a rollback, and no error.
        if (command !== end) throw fail('READ_MODEL_FAILED', `PostgreSQL: ${end} ended as ${command}`)
        return result
      } catch (error) {
        await client.query('ROLLBACK').catch((failure: unknown) => {
          broken = failure instanceof Error ? failure : new Error(String(failure))
        })
        throw error
      } finally {
        client.release(broken)
      }
    })
  }

  /** Asks with a search path. Errors: `READ_MODEL_UNAVAILABLE`, and the database's own. */
  async read<Row extends QueryResultRow>(
    path: string,
    sql: string,
    values: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    return await explained(async () => {
      const client = await this.#reading.connect()
      let broken: Error | undefined
      try {
        if (this.#paths.get(client) !== path) {
          await client.query(`SET search_path TO ${path}; SET default_transaction_read_only TO on`)
          this.#paths.set(client, path)
        }
        return await client.query<Row>(sql, [...values])
      } catch (error) {
        if (isPassing(error)) broken = error as Error
        throw error
      } finally {
        client.release(broken)
      }
    })
  }

  async close(): Promise<void> {
    await Promise.all([this.#writing.end(), this.#reading.end()])
  }
}

/** Turns what may be over by itself into `READ_MODEL_UNAVAILABLE`; passes the rest on. */
export async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!isPassing(error)) throw error
    throw fail('READ_MODEL_UNAVAILABLE', `PostgreSQL: ${textOf(error)}`, { cause: error })
  }
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as { readonly code?: unknown }
  if (typeof code === 'string') return PASSING.test(code) || PASSING_NODE.has(code)
  return PASSING_TEXT.test(error.message) || (error instanceof AggregateError && error.errors.some(isPassing))
}
