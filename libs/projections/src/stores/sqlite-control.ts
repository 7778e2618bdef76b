import type { DatabaseSync } from 'node:sqlite'
import type { GenerationRecord, ReadModelRecord } from '../read-model-store.ts'
import { projectorFenced } from './fencing.ts'
import { explained, openDatabase } from './sqlite-database.ts'
import { SqliteSession } from './sqlite-session.ts'

const TABLES = `
  CREATE TABLE IF NOT EXISTS projector (
    name TEXT PRIMARY KEY, owner_epoch INTEGER NOT NULL, started INTEGER NOT NULL, paused INTEGER NOT NULL,
    next_generation INTEGER NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS generation (
    projector TEXT NOT NULL REFERENCES projector (name), generation INTEGER NOT NULL, version INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('building', 'active', 'retired', 'rejected')),
    PRIMARY KEY (projector, generation)
  ) WITHOUT ROWID, STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS one_active ON generation (projector) WHERE status = 'active';`

/** The control database: which generation serves, who owns a projector, whether it was started or paused. */
export class SqliteControl {
  readonly path: string
  readonly #database: DatabaseSync
  readonly #session: SqliteSession

  constructor(path: string) {
    this.path = path
    this.#database = openDatabase(path, 'FULL')
    explained(path, () => this.#database.exec(TABLES))
    this.#session = new SqliteSession(this.#database)
  }

  projectors(): readonly string[] {
    return this.#session
      .all('SELECT name FROM projector ORDER BY name', [], false)
      .map((row) => (row as { name: string }).name)
  }

  /** Raises the owner epoch and answers the new one. */
  claim(projector: string): number {
    const sql = `INSERT INTO projector VALUES (?, 1, 0, 0, 1)
      ON CONFLICT (name) DO UPDATE SET owner_epoch = owner_epoch + 1 RETURNING owner_epoch AS epoch`
    return explained(this.path, () => (this.#session.get(sql, [projector], false) as { epoch: number }).epoch)
  }

  record(projector: string): ReadModelRecord {
    const row = this.#session.get('SELECT started, paused FROM projector WHERE name = ?', [projector], false)
    const { started, paused } = (row ?? { started: 0, paused: 0 }) as { started: number; paused: number }
    const sql = 'SELECT generation, version, status FROM generation WHERE projector = ? ORDER BY generation'
    const generations = this.#session.all(sql, [projector], false) as GenerationRecord[]
    return { started: started === 1, paused: paused === 1, generations }
  }

  setStarted(projector: string): void {
    this.#session.run('UPDATE projector SET started = 1 WHERE name = ?', [projector])
  }

  setPaused(projector: string, paused: boolean): void {
    this.#session.run('UPDATE projector SET paused = ? WHERE name = ?', [paused ? 1 : 0, projector])
  }

  createGeneration(projector: string, version: number): GenerationRecord {
    return this.#transaction(() => {
      const next =
        'UPDATE projector SET next_generation = next_generation + 1 WHERE name = ? RETURNING next_generation - 1 AS n'
      const { n: generation } = this.#session.get(next, [projector], false) as { n: number }
      this.#session.run("INSERT INTO generation VALUES (?, ?, ?, 'building')", [projector, generation, version])
      return { generation, version, status: 'building' }
    })
  }

  /** Switches the serving generation, unless a later owner has claimed the projector. */
  activate(projector: string, generation: number, ownerEpoch: number): void {
    this.#transaction(() => {
      const mine = 'SELECT 1 FROM projector WHERE name = ? AND owner_epoch = ?'
      if (this.#session.get(mine, [projector, ownerEpoch], false) === undefined)
        throw projectorFenced({ projector, ownerEpoch })
      const retire =
        "UPDATE generation SET status = 'retired' WHERE projector = ? AND status = 'active' AND generation <> ?"
      this.#session.run(retire, [projector, generation])
      this.setStatus(projector, generation, 'active')
    })
  }

  setStatus(projector: string, generation: number, status: GenerationRecord['status']): void {
    const sql = 'UPDATE generation SET status = ? WHERE projector = ? AND generation = ?'
    this.#session.run(sql, [status, projector, generation])
  }

  remove(projector: string, generation: number): void {
    this.#session.run('DELETE FROM generation WHERE projector = ? AND generation = ?', [projector, generation])
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  #transaction<Result>(work: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }
}
