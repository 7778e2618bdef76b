import { randomBytes } from 'node:crypto'
import { fail } from '../errors.ts'
import { CHANGED_ROWS_MAX, type ChangedRows, type Scratch } from '../scratch.ts'
import type { PoolClient, PostgresConnections } from './postgres-connections.ts'
import { inOpenTransaction, type PostgresTransaction } from './postgres-transaction.ts'
import { RowWatch } from './row-watch.ts'
import { quoted } from './rows/row-statements.ts'

/**
 * Runs `work` with scratch rows in a schema of its own, all in one transaction that is taken back in the end: nobody else
 * ever sees the schema, and what handlers do to tables that the whole database shares is taken back with it.
 */
export async function inPostgresScratch<Result>(
  connections: PostgresConnections,
  work: (scratch: Scratch<PostgresTransaction>) => Promise<Result>,
): Promise<Result> {
  const name = `keyfold_scratch_${randomBytes(8).toString('hex')}`
  const begin = `BEGIN; CREATE SCHEMA ${name}; SET LOCAL search_path TO ${name}, public`
  try {
    return await connections.trial(begin, (client) => work(new PostgresScratch(client, name)))
  } finally {
    // A handler that has ended the transaction has made the schema stay.
    await connections.run(`DROP SCHEMA IF EXISTS ${name} CASCADE`).catch(() => {})
  }
}

/** Constraints that are deferred to the COMMIT are checked now, and are deferred again for the next step. */
const CHECK_AND_RELEASE = `SAVEPOINT keyfold_check; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO SAVEPOINT keyfold_check;
  RELEASE SAVEPOINT keyfold_step`

class PostgresScratch implements Scratch<PostgresTransaction> {
  readonly #client: PoolClient
  readonly #schema: string
  /** By table, once rows are watched. */
  #keyColumns: ReadonlyMap<string, readonly string[]> | undefined

  constructor(client: PoolClient, schema: string) {
    this.#client = client
    this.#schema = schema
  }

  async run(work: (tx: PostgresTransaction) => void | Promise<void>): Promise<void> {
    await this.#step(() => inOpenTransaction(this.#client, work))
  }

  async watch(work: (tx: PostgresTransaction) => void | Promise<void>): Promise<ChangedRows> {
    const keyColumns = (this.#keyColumns ??= await watching(this.#client, this.#schema))
    return await this.#step(async () => {
      await inOpenTransaction(this.#client, work)
      return await changesOf(this.#client, this.#schema, keyColumns)
    })
  }

  /** A part of the transaction that can be taken back by itself. */
  async #step<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#client.query('SAVEPOINT keyfold_step')
    try {
      const result = await work()
      await this.#client.query(CHECK_AND_RELEASE)
      return result
    } catch (error) {
      await this.#client.query('ROLLBACK TO SAVEPOINT keyfold_step').catch((cause: unknown) => {
        throw fail('TRANSACTION_OVER', 'the transaction of the scratch rows was ended before its time', { cause })
      })
      throw error
    }
  }
}

/** What `to_jsonb` makes of a row, but for integers that would lose digits on their way: those become texts. */
const EXACT = `SELECT jsonb_object_agg(key, CASE
    WHEN jsonb_typeof(value) = 'number' AND abs(value::numeric) > 9007199254740991 THEN to_jsonb(value::text)
    ELSE value END) FROM jsonb_each($1)`

/** Makes the database note every row that changes from now on in the tables of the schema; answers their primary keys. */
async function watching(client: PoolClient, schema: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const tables = `SELECT c.relname AS name, array_remove(array_agg(a.attname::text ORDER BY a.attnum), NULL) AS keys
    FROM pg_class c
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
    WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    GROUP BY c.relname`
  const { rows } = await client.query<{ name: string; keys: readonly string[] }>(tables, [schema])
  await client.query(`
    CREATE TABLE ${schema}.keyfold_changes (id bigserial PRIMARY KEY, "table" text NOT NULL, before jsonb, after jsonb);
    CREATE FUNCTION ${schema}.keyfold_exact(jsonb) RETURNS jsonb LANGUAGE sql AS $$ ${EXACT} $$;
    CREATE FUNCTION ${schema}.keyfold_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO ${schema}.keyfold_changes ("table", before, after) VALUES (TG_TABLE_NAME,
        CASE WHEN TG_OP <> 'INSERT' THEN ${schema}.keyfold_exact(to_jsonb(OLD)) END,
        CASE WHEN TG_OP <> 'DELETE' THEN ${schema}.keyfold_exact(to_jsonb(NEW)) END);
      RETURN NULL;
    END $$;
    ${rows.map(({ name }) => triggerOf(schema, name)).join('\n')}`)
  return new Map(rows.map(({ name, keys }) => [name, keys]))
}

function triggerOf(schema: string, table: string): string {
  return `CREATE TRIGGER keyfold_changed AFTER INSERT OR UPDATE OR DELETE ON ${schema}.${quoted(table)}
    FOR EACH ROW EXECUTE FUNCTION ${schema}.keyfold_changed();`
}

type JsonRow = Readonly<Record<string, unknown>>

interface NotedChange {
  readonly table: string
  readonly before: JsonRow | null
  readonly after: JsonRow | null
  readonly total: number
}

/** What was noted since the last time. */
async function changesOf(
  client: PoolClient,
  schema: string,
  keyColumns: ReadonlyMap<string, readonly string[]>,
): Promise<ChangedRows> {
  const taken = `WITH taken AS (DELETE FROM ${schema}.keyfold_changes RETURNING *)
    SELECT "table", before, after, (count(*) OVER ())::integer AS total FROM taken
    WHERE before IS DISTINCT FROM after ORDER BY id LIMIT ${CHANGED_ROWS_MAX}`
  const { rows } = await client.query<NotedChange>(taken)
  const watch = new RowWatch()
  for (const { table, before, after } of rows) {
    const row = before ?? after ?? {}
    const key = Object.fromEntries((keyColumns.get(table) ?? []).map((column) => [column, row[column]]))
    watch.note({ table, key, before, after })
  }
  return { rows: watch.take().rows, omitted: (rows[0]?.total ?? 0) - rows.length }
}
