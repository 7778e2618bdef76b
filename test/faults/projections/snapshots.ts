import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Client, type ClientConfig } from 'pg'
import type { AuditRow, BalanceRow, ParkedRow, Snapshot } from './history.ts'
import { PARTITIONS, PROJECTOR } from './ledger.ts'

/** Reads read models past Keyfold, each time in one transaction of the database. */
export interface SnapshotReader {
  /** Undefined while there is no serving generation. */
  read(): Promise<Snapshot | undefined>
  /** The checkpoints of the effects. */
  effectPositions(): Promise<readonly number[]>
}

interface PositionRow {
  readonly partition: number
  readonly position: number | bigint
}

function positionsOf(rows: readonly PositionRow[]): readonly number[] {
  return Array.from({ length: PARTITIONS }, (_, partition) =>
    Number(rows.find((row) => row.partition === partition)?.position ?? 0),
  )
}

export class SqliteSnapshots implements SnapshotReader {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = join(directory, 'read-models')
  }

  async read(): Promise<Snapshot | undefined> {
    const control = join(this.#directory, 'projections.sqlite')
    const sql = "SELECT generation FROM generation WHERE projector = ? AND status = 'active'"
    if (!existsSync(control)) return undefined
    const [active] = asked(control, (database) => database.prepare(sql).all(PROJECTOR)) as { generation: number }[]
    if (active === undefined) return undefined
    const { generation } = active
    return asked(join(this.#directory, PROJECTOR, `v1-g${generation}.sqlite`), (database) => {
      const all = (statement: string): unknown[] => database.prepare(statement).all()
      const rows = database.prepare('SELECT account, cents, version FROM balance')
      rows.setReadBigInts(true)
      const audit = 'SELECT incarnation, partition, place AS "offset", account AS key FROM keyfold_audit ORDER BY seq'
      return {
        generation,
        positions: positionsOf(all('SELECT partition, position FROM keyfold_checkpoint') as PositionRow[]),
        rows: rows.all().map((row) => ({ ...(row as unknown as BalanceRow) })),
        audit: all(audit) as AuditRow[],
        parked: all('SELECT partition, "offset", key, error FROM keyfold_parked') as ParkedRow[],
      }
    })
  }

  async effectPositions(): Promise<readonly number[]> {
    const path = join(this.#directory, `${PROJECTOR}.effects`, 'v1-g1.sqlite')
    if (!existsSync(path)) return []
    const sql = 'SELECT partition, position FROM keyfold_checkpoint'
    return positionsOf(asked(path, (database) => database.prepare(sql).all() as unknown as PositionRow[]))
  }
}

function asked<Answer>(path: string, question: (database: DatabaseSync) => Answer): Answer {
  const database = new DatabaseSync(path, { timeout: 10_000, readOnly: true })
  try {
    database.exec('BEGIN')
    return question(database)
  } finally {
    database.close()
  }
}

export class PostgresSnapshots implements SnapshotReader {
  readonly #connection: ClientConfig

  constructor(connection: ClientConfig) {
    this.#connection = connection
  }

  async read(): Promise<Snapshot | undefined> {
    return await askingPostgres(this.#connection, async (all) => {
      const sql = "SELECT generation FROM keyfold.generation WHERE projector = $1 AND status = 'active'"
      const [active] = await all<{ generation: number }>(sql, PROJECTOR)
      if (active === undefined) return undefined
      const { generation } = active
      const schema = `${PROJECTOR}_g${generation}`
      const mine = 'WHERE projector = $1 AND generation = $2'
      const rows = await all<{ account: string; cents: string; version: string }>(`SELECT * FROM ${schema}.balance`)
      const audit = `SELECT incarnation, partition, place AS "offset", account AS key FROM audit.applied
        WHERE schema = $1 ORDER BY seq`
      const parked = `SELECT partition, "offset"::integer, key, error FROM keyfold.parked ${mine}`
      const checkpoints = `SELECT partition, position FROM keyfold.checkpoint ${mine}`
      return {
        generation,
        positions: positionsOf(await all<PositionRow>(checkpoints, PROJECTOR, generation)),
        rows: rows.map(({ account, cents, version }) => ({ account, cents: BigInt(cents), version: BigInt(version) })),
        audit: await all<AuditRow>(audit, schema),
        parked: await all<ParkedRow>(parked, PROJECTOR, generation),
      }
    })
  }

  async effectPositions(): Promise<readonly number[]> {
    const sql = 'SELECT partition, position FROM keyfold.checkpoint WHERE projector = $1'
    const question = async (all: AskPostgres) => positionsOf(await all<PositionRow>(sql, `${PROJECTOR}.effects`))
    return await askingPostgres(this.#connection, question)
  }
}

/** Asks in one transaction, on a connection of its own. */
export async function askingPostgres<Answer>(
  connection: ClientConfig,
  question: (all: AskPostgres) => Promise<Answer>,
): Promise<Answer> {
  const client = new Client(connection)
  // A fault of the lane may end this connection as well; the statement that is under way says so.
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    return await question(async (sql, ...values) => (await client.query(sql, values)).rows as never)
  } finally {
    await client.end()
  }
}

type AskPostgres = <Row>(sql: string, ...values: unknown[]) => Promise<Row[]>
