import { constants, type DatabaseSync } from 'node:sqlite'
import type { Offset } from '@keyfold/kafka'
import { fail, textOf } from '../errors.ts'
import { type Advance, advanceOf, type ParkedEvent } from '../parking.ts'
import type { Checkpoint, Generation, TableDigest, TopicPartition, Work } from '../read-model-store.ts'
import { checkpointFenced } from './fencing.ts'
import { explained, openDatabase, openReadOnly } from './sqlite-database.ts'
import { OpenSqliteTransaction, sqliteReader } from './sqlite-handles.ts'
import { PARKED_TABLE, SqliteParking } from './sqlite-parking.ts'
import { type SqliteReader, SqliteSession, type SqliteTransaction } from './sqlite-session.ts'
import { tableDigests } from './sqlite-tables.ts'
import { WriteLane } from './write-lane.ts'

/** Whose rows a file holds, and who writes them. */
export interface SqliteGenerationOptions {
  /** `:memory:` keeps everything in memory, for scratch rows and tests: one connection, `reader` as well. */
  readonly path: string
  readonly projector: string
  readonly generation: number
  readonly version: number
  readonly ownerEpoch: number
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS keyfold_generation (
    projector TEXT NOT NULL, generation INTEGER NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (projector, generation)
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS keyfold_checkpoint (
    projector TEXT NOT NULL, generation INTEGER NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    position INTEGER NOT NULL, owner_epoch INTEGER NOT NULL,
    PRIMARY KEY (projector, generation, topic, partition)
  ) WITHOUT ROWID, STRICT;
  ${PARKED_TABLE}`

const MINE = 'projector = ? AND generation = ? AND topic = ? AND partition = ?'

/** A generation in a database file of its own: one connection writes, another reads what is committed. */
export class SqliteGeneration implements Generation<SqliteTransaction, SqliteReader> {
  readonly generation: number
  readonly version: number
  readonly handle: SqliteReader
  readonly reader: SqliteSession
  readonly #options: SqliteGenerationOptions
  readonly #database: DatabaseSync
  readonly #session: SqliteSession
  readonly #parking: SqliteParking
  readonly #lane = new WriteLane()
  /** Whether a BEGIN, COMMIT or ROLLBACK is this class's own. */
  #controlling = false

  constructor(options: SqliteGenerationOptions) {
    this.generation = options.generation
    this.version = options.version
    this.#options = options
    this.#database = openDatabase(options.path, 'NORMAL')
    explained(options.path, () => this.#database.exec(TABLES))
    this.#session = new SqliteSession(this.#database)
    this.#parking = new SqliteParking(this.#session, options)
    this.#database.setAuthorizer((action) => this.#authorize(action))
    this.reader = options.path === ':memory:' ? this.#session : new SqliteSession(openReadOnly(options.path))
    this.handle = sqliteReader(() => this.reader)
  }

  get isOpen(): boolean {
    return this.#database.isOpen
  }

  async setup(make: (tx: SqliteTransaction) => void | Promise<void>): Promise<void> {
    const { projector, generation, version } = this.#options
    const sql = 'SELECT 1 FROM keyfold_generation WHERE projector = ? AND generation = ?'
    if (this.#session.get(sql, [projector, generation], false) !== undefined) return
    await this.#transaction(async (tx) => {
      await make(tx)
      this.#session.run('INSERT INTO keyfold_generation VALUES (?, ?, ?)', [projector, generation, version])
    })
  }

  async run(work: (tx: SqliteTransaction) => void | Promise<void>): Promise<void> {
    await this.#transaction(work)
  }

  async claim(partitions: readonly TopicPartition[]): Promise<readonly Checkpoint[]> {
    const { ownerEpoch } = this.#options
    const insert = 'INSERT INTO keyfold_checkpoint VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING'
    const take = `UPDATE keyfold_checkpoint SET owner_epoch = ? WHERE ${MINE} AND owner_epoch <= ?`
    await this.#transaction(() => {
      for (const partition of partitions) {
        this.#session.run(insert, [...this.#names(partition), ownerEpoch])
        const { changes } = this.#session.run(take, [ownerEpoch, ...this.#names(partition), ownerEpoch])
        if (changes !== 1) throw checkpointFenced(this.#options, partition)
      }
    })
    return partitions.map((partition) => ({ ...partition, position: this.#position(partition) }))
  }

  async position(partition: TopicPartition): Promise<Offset> {
    await this.#lane.idle()
    return this.#position(partition)
  }

  async parked(): Promise<readonly ParkedEvent[]> {
    await this.#lane.idle()
    return this.#parking.all()
  }

  async write(from: Checkpoint, work: Work<SqliteTransaction>): Promise<Offset> {
    const { ownerEpoch } = this.#options
    const advance = `UPDATE keyfold_checkpoint SET position = ?, owner_epoch = ?
      WHERE ${MINE} AND position = ? AND owner_epoch <= ?`
    return await this.#transaction((tx) => {
      const done = (result: Offset | Advance): Offset => {
        const { position, park = [], unpark = [] } = advanceOf(result)
        const moved = [position, ownerEpoch, ...this.#names(from), from.position, ownerEpoch]
        if (this.#session.run(advance, moved).changes !== 1) throw checkpointFenced(this.#options, from)
        this.#parking.change(from, park, unpark)
        return position
      }
      const worked = work(tx)
      return worked instanceof Promise ? worked.then(done) : done(worked)
    })
  }

  async tables(): Promise<readonly TableDigest[]> {
    await this.#lane.idle()
    return await tableDigests(this.reader.database)
  }

  async flush(): Promise<void> {
    await this.#lane.run(() => this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
  }

  async close(): Promise<void> {
    await this.#lane.idle()
    if (this.reader !== this.#session && this.reader.database.isOpen) this.reader.database.close()
    if (this.#database.isOpen) this.#database.close()
  }

  #transaction<Result>(work: (tx: SqliteTransaction) => Result | Promise<Result>): Promise<Result> {
    return this.#lane.run(async () => {
      this.#control('BEGIN IMMEDIATE')
      const tx = new OpenSqliteTransaction(this.#session)
      try {
        const worked = work(tx)
        const result = worked instanceof Promise ? await worked : worked
        const flushing = tx.flush()
        if (flushing !== undefined) await flushing
        this.#control('COMMIT')
        return result
      } catch (error) {
        if (this.#database.isTransaction) this.#control('ROLLBACK')
        throw error
      } finally {
        tx.end()
      }
    })
  }

  #control(statement: string): void {
    const { path } = this.#options
    this.#controlling = true
    try {
      explained(path, () => this.#database.exec(statement))
    } catch (error) {
      throw fail('READ_MODEL_FAILED', `${path}: ${textOf(error)}`, { cause: error, details: { path } })
    } finally {
      this.#controlling = false
    }
  }

  /** A handler that ended its transaction would make rows without their checkpoint. */
  #authorize(action: number): number {
    const refused = action === constants.SQLITE_TRANSACTION && !this.#controlling
    return refused ? constants.SQLITE_DENY : constants.SQLITE_OK
  }

  #position(partition: TopicPartition): Offset {
    const row = this.#session.get(
      `SELECT position FROM keyfold_checkpoint WHERE ${MINE}`,
      this.#names(partition),
      false,
    )
    return (row as { position: Offset } | undefined)?.position ?? 0
  }

  #names({ topic, partition }: TopicPartition): [string, number, string, number] {
    return [this.#options.projector, this.#options.generation, topic, partition]
  }
}
