import type { Offset } from '@keyfold/kafka'
import { fail } from '../errors.ts'
import { advanceOf, type ParkedEvent } from '../parking.ts'
import type { Checkpoint, Generation, TableDigest, TopicPartition, Work } from '../read-model-store.ts'
import { checkpointFenced } from './fencing.ts'
import type { PostgresConnections } from './postgres-connections.ts'
import type { PostgresControl } from './postgres-control.ts'
import { PARKED, parkedEventOf, parkingQueries, type StoredParkedEvent } from './postgres-parking.ts'
import { generationSchemaOf, searchPathOf } from './postgres-schemas.ts'
import { postgresTableDigests } from './postgres-tables.ts'
import { inOpenTransaction, type PostgresReader, type PostgresTransaction } from './postgres-transaction.ts'
import { quoted } from './rows/row-statements.ts'

/** Whose rows a schema holds, and who writes them. */
export interface PostgresGenerationOptions {
  readonly connections: PostgresConnections
  readonly control: PostgresControl
  readonly projector: string
  readonly generation: number
  readonly version: number
  readonly ownerEpoch: number
}

interface LockedCheckpoint {
  readonly position: bigint
  readonly owner_epoch: number
  readonly transaction: string
}

const MINE = 'projector = $1 AND generation = $2 AND topic = $3 AND partition = $4'
const LOCK = `SELECT position, owner_epoch, pg_current_xact_id()::text AS transaction
  FROM $.checkpoint WHERE ${MINE} FOR UPDATE`
/** The row is locked: nothing but the end of the transaction in between can make this miss it. */
const ADVANCE = `UPDATE $.checkpoint SET position = $5, owner_epoch = $6
  WHERE ${MINE} AND pg_current_xact_id()::text = $7`

/** A generation in a schema of its own; every partition writes in a transaction and on a connection of its own. */
export class PostgresGeneration implements Generation<PostgresTransaction, PostgresReader> {
  readonly generation: number
  readonly version: number
  readonly handle: PostgresReader
  readonly #options: PostgresGenerationOptions
  readonly #begin: string

  constructor(options: PostgresGenerationOptions) {
    const { projector, generation, version, connections } = options
    const path = searchPathOf(projector, generation)
    this.generation = generation
    this.version = version
    this.handle = postgresReader(connections, () => path)
    this.#options = options
    this.#begin = `BEGIN; SET LOCAL search_path TO ${path}`
  }

  get path(): string {
    return searchPathOf(this.#options.projector, this.generation)
  }

  async setup(make: (tx: PostgresTransaction) => void | Promise<void>): Promise<void> {
    const { connections, control, projector, generation } = this.#options
    await connections.transaction(this.#begin, async (client) => {
      const record = 'SELECT set_up FROM $.generation WHERE projector = $1 AND generation = $2 FOR UPDATE'
      const { rows } = await client.query<{ set_up: boolean }>(control.sql(record), [projector, generation])
      if (rows[0]?.set_up === true) return
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${quoted(generationSchemaOf(projector, generation))}`)
      await inOpenTransaction(client, make)
      const done = 'UPDATE $.generation SET set_up = true WHERE projector = $1 AND generation = $2'
      await client.query(control.sql(done), [projector, generation])
    })
  }

  async run(work: (tx: PostgresTransaction) => void | Promise<void>): Promise<void> {
    await this.#options.connections.transaction(this.#begin, (client) => inOpenTransaction(client, work))
  }

  async claim(partitions: readonly TopicPartition[]): Promise<readonly Checkpoint[]> {
    const { connections, control, ownerEpoch } = this.#options
    const take = control.sql(`INSERT INTO $.checkpoint AS c VALUES ($1, $2, $3, $4, 0, $5)
      ON CONFLICT (projector, generation, topic, partition) DO UPDATE SET owner_epoch = $5
      WHERE c.owner_epoch <= $5 RETURNING position`)
    return await connections.transaction('BEGIN', async (client) => {
      const checkpoints: Checkpoint[] = []
      for (const partition of partitions) {
        const names = this.#names(partition)
        const { rows } = await client.query<{ position: bigint }>(take, [...names, ownerEpoch])
        const [row] = rows
        if (row === undefined) throw checkpointFenced(this.#options, partition)
        checkpoints.push({ ...partition, position: Number(row.position) })
      }
      return checkpoints
    })
  }

  async position(partition: TopicPartition): Promise<Offset> {
    const { connections, control } = this.#options
    const sql = control.sql(`SELECT position FROM $.checkpoint WHERE ${MINE}`)
    const { rows } = await connections.run<{ position: bigint }>(sql, this.#names(partition))
    return Number(rows[0]?.position ?? 0)
  }

  async parked(): Promise<readonly ParkedEvent[]> {
    const { connections, control, projector } = this.#options
    const { rows } = await connections.run<StoredParkedEvent>(control.sql(PARKED), [projector, this.generation])
    return rows.map(parkedEventOf)
  }

  async write(from: Checkpoint, work: Work<PostgresTransaction>): Promise<Offset> {
    const { connections, control, ownerEpoch } = this.#options
    return await connections.transaction(this.#begin, async (client) => {
      // Locked before any row is written: whoever is not the owner learns it without having been in anybody's way.
      const names = this.#names(from)
      const lock = { name: 'keyfold-lock', text: control.sql(LOCK), values: names }
      const [stored] = (await client.query<LockedCheckpoint>(lock)).rows
      if (stored === undefined || Number(stored.position) !== from.position || stored.owner_epoch > ownerEpoch)
        throw checkpointFenced(this.#options, from)
      const { position, park = [], unpark = [] } = advanceOf(await inOpenTransaction(client, work))
      const values = [...names, position, ownerEpoch, stored.transaction]
      const { rowCount } = await client.query({ name: 'keyfold-advance', text: control.sql(ADVANCE), values })
      if (rowCount !== 1) throw fail('TRANSACTION_OVER', 'a statement of a handler ended its transaction')
      const queries = parkingQueries(names, park, unpark)
      for (const { text, values: own } of queries) await client.query(control.sql(text), own)
      return position
    })
  }

  async tables(): Promise<readonly TableDigest[]> {
    const { connections, projector } = this.#options
    const begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'
    const schema = generationSchemaOf(projector, this.generation)
    return await connections.transaction(begin, (client) => postgresTableDigests(client, schema))
  }

  /** Every COMMIT is durable already, unless the author has turned `synchronous_commit` off. */
  async flush(): Promise<void> {}

  async close(): Promise<void> {}

  #names({ topic, partition }: TopicPartition): unknown[] {
    return [this.#options.projector, this.generation, topic, partition]
  }
}

/** Questions through whichever search path holds at the moment of asking. */
export function postgresReader(connections: PostgresConnections, path: () => string): PostgresReader {
  return {
    all: async (sql, ...values) => (await connections.read<never>(path(), sql, values)).rows,
    get: async (sql, ...values) => (await connections.read<never>(path(), sql, values)).rows[0],
  }
}
