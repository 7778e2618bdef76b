import type { Offset } from '@keyfold/kafka'
import type { ParkedEvent } from '../parking.ts'
import type { TopicPartition } from '../read-model-store.ts'
import type { SqliteSession } from './sqlite-session.ts'

export const PARKED_TABLE = `
  CREATE TABLE IF NOT EXISTS keyfold_parked (
    projector TEXT NOT NULL, generation INTEGER NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    "offset" INTEGER NOT NULL, key TEXT NOT NULL, type TEXT, error TEXT, attempts INTEGER NOT NULL,
    parked_at_ms INTEGER NOT NULL, PRIMARY KEY (projector, generation, topic, partition, "offset")
  ) WITHOUT ROWID, STRICT;`

/** The parked events of one generation, changed inside the caller's transaction. */
export class SqliteParking {
  readonly #session: SqliteSession
  readonly #generation: readonly [string, number]

  constructor(session: SqliteSession, { projector, generation }: { projector: string; generation: number }) {
    this.#session = session
    this.#generation = [projector, generation]
  }

  all(): readonly ParkedEvent[] {
    const sql = `SELECT topic, partition, "offset", key, type, error, attempts, parked_at_ms AS parkedAtMs
      FROM keyfold_parked WHERE projector = ? AND generation = ? ORDER BY topic, partition, "offset"`
    return this.#session.all(sql, this.#generation, false).map((row) => ({ ...(row as ParkedEvent) }))
  }

  change({ topic, partition }: TopicPartition, park: readonly ParkedEvent[], unpark: readonly Offset[]): void {
    const insert = `INSERT INTO keyfold_parked VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET error = excluded.error, attempts = excluded.attempts`
    for (const { offset, key, type, error, attempts, parkedAtMs } of park)
      this.#session.run(insert, [...this.#generation, topic, partition, offset, key, type, error, attempts, parkedAtMs])
    const remove = `DELETE FROM keyfold_parked
      WHERE projector = ? AND generation = ? AND topic = ? AND partition = ? AND "offset" = ?`
    for (const offset of unpark) this.#session.run(remove, [...this.#generation, topic, partition, offset])
  }
}
