import type { GenerationRecord, ReadModelRecord } from '../read-model-store.ts'
import { projectorFenced } from './fencing.ts'
import type { PoolClient, PostgresConnections } from './postgres-connections.ts'
import { PARKED_TABLE } from './postgres-parking.ts'
import { generationSchemaOf, viewSchemaOf } from './postgres-schemas.ts'
import { SHARING_TABLES } from './postgres-sharing.ts'
import { switchViews } from './postgres-views.ts'
import { quoted } from './rows/row-statements.ts'

/** Two processes that start at once would make the same tables: they take turns. The number is this product's own. */
const MAKING = 'SELECT pg_advisory_xact_lock(5384071932)'

/** Which generation serves, who owns a projector, whether it was started or paused; and every checkpoint. */
export class PostgresControl {
  readonly #connections: PostgresConnections
  readonly #schema: string

  constructor(connections: PostgresConnections, schema: string) {
    this.#connections = connections
    this.#schema = quoted(schema)
  }

  async makeTables(): Promise<void> {
    const schema = this.#schema
    await this.#connections.transaction('BEGIN', async (client) => {
      await client.query(MAKING)
      await client.query(`
        CREATE SCHEMA IF NOT EXISTS ${schema};
        CREATE TABLE IF NOT EXISTS ${schema}.projector (
          name text PRIMARY KEY, owner_epoch integer NOT NULL, started boolean NOT NULL, paused boolean NOT NULL,
          next_generation integer NOT NULL
        );
        CREATE TABLE IF NOT EXISTS ${schema}.generation (
          projector text NOT NULL REFERENCES ${schema}.projector, generation integer NOT NULL, version integer NOT NULL,
          status text NOT NULL CHECK (status IN ('building', 'active', 'retired', 'rejected')),
          set_up boolean NOT NULL DEFAULT false, PRIMARY KEY (projector, generation)
        );
        CREATE UNIQUE INDEX IF NOT EXISTS one_active ON ${schema}.generation (projector) WHERE status = 'active';
        CREATE TABLE IF NOT EXISTS ${schema}.checkpoint (
          projector text NOT NULL, generation integer NOT NULL, topic text NOT NULL, partition integer NOT NULL,
          position bigint NOT NULL, owner_epoch integer NOT NULL,
          PRIMARY KEY (projector, generation, topic, partition)
        ) WITH (fillfactor = 50);
        ${this.sql(PARKED_TABLE)}
        ${this.sql(SHARING_TABLES)}`)
    })
  }

  async projectors(): Promise<readonly string[]> {
    const { rows } = await this.#run<{ name: string }>('SELECT name FROM $.projector ORDER BY name')
    return rows.map(({ name }) => name)
  }

  /** Raises the owner epoch and answers the new one. */
  async claim(projector: string): Promise<number> {
    const sql = `INSERT INTO $.projector VALUES ($1, 1, false, false, 1)
      ON CONFLICT (name) DO UPDATE SET owner_epoch = projector.owner_epoch + 1 RETURNING owner_epoch AS epoch`
    return (await this.#run<{ epoch: number }>(sql, projector)).rows[0]?.epoch ?? 1
  }

  async record(projector: string): Promise<ReadModelRecord> {
    const flags = 'SELECT started, paused FROM $.projector WHERE name = $1'
    const generations = 'SELECT generation, version, status FROM $.generation WHERE projector = $1 ORDER BY generation'
    const { rows } = await this.#run<{ started: boolean; paused: boolean }>(flags, projector)
    const records = await this.#run<GenerationRecord & Record<string, unknown>>(generations, projector)
    const { started = false, paused = false } = rows[0] ?? {}
    return { started, paused, generations: records.rows }
  }

  async setStarted(projector: string): Promise<void> {
    await this.#run('UPDATE $.projector SET started = true WHERE name = $1', projector)
  }

  async setPaused(projector: string, paused: boolean): Promise<void> {
    await this.#run('UPDATE $.projector SET paused = $2 WHERE name = $1', projector, paused)
  }

  async createGeneration(projector: string, version: number): Promise<GenerationRecord> {
    const sql = `WITH next AS (
        UPDATE $.projector SET next_generation = next_generation + 1 WHERE name = $1
        RETURNING next_generation - 1 AS generation
      ) INSERT INTO $.generation SELECT $1, generation, $2, 'building' FROM next RETURNING generation`
    const generation = (await this.#run<{ generation: number }>(sql, projector, version)).rows[0]?.generation
    if (generation === undefined) throw new TypeError(`${projector} was never claimed`)
    return { generation, version, status: 'building' }
  }

  /** Switches the serving generation and the views at once, unless a later owner has claimed the projector. */
  async activate(projector: string, generation: number, ownerEpoch: number): Promise<void> {
    await this.#connections.transaction('BEGIN', async (client) => {
      const mine = 'SELECT 1 FROM $.projector WHERE name = $1 AND owner_epoch = $2 FOR UPDATE'
      if ((await this.#in(client, mine, projector, ownerEpoch)).rowCount !== 1)
        throw projectorFenced({ projector, ownerEpoch })
      const retire = `UPDATE $.generation SET status = 'retired'
        WHERE projector = $1 AND status = 'active' AND generation <> $2`
      await this.#in(client, retire, projector, generation)
      await this.#in(client, STATUS, 'active', projector, generation)
      await switchViews(client, viewSchemaOf(projector), generationSchemaOf(projector, generation))
    })
  }

  /** Without effect when a later owner has claimed the projector: what was compared may have moved. */
  async reject(projector: string, generation: number, ownerEpoch: number): Promise<void> {
    const mine = `${STATUS} AND EXISTS (SELECT FROM $.projector WHERE name = $2 AND owner_epoch = $4)`
    await this.#run(mine, 'rejected', projector, generation, ownerEpoch)
  }

  /** Deletes a generation's tables, checkpoints and record at once. */
  async drop(projector: string, generation: number): Promise<void> {
    await this.#connections.transaction('BEGIN', async (client) => {
      await client.query(`DROP SCHEMA IF EXISTS ${quoted(generationSchemaOf(projector, generation))} CASCADE`)
      await this.#in(client, 'DELETE FROM $.checkpoint WHERE projector = $1 AND generation = $2', projector, generation)
      await this.#in(client, 'DELETE FROM $.parked WHERE projector = $1 AND generation = $2', projector, generation)
      await this.#in(client, 'DELETE FROM $.generation WHERE projector = $1 AND generation = $2', projector, generation)
    })
  }

  /** `$.` in a text is the control schema. */
  sql(text: string): string {
    return text.replaceAll('$.', `${this.#schema}.`)
  }

  #run<Row extends Record<string, unknown>>(text: string, ...values: readonly unknown[]) {
    return this.#connections.run<Row>(this.sql(text), values)
  }

  #in(client: PoolClient, text: string, ...values: readonly unknown[]) {
    return client.query(this.sql(text), [...values])
  }
}

const STATUS = 'UPDATE $.generation SET status = $1 WHERE projector = $2 AND generation = $3'
