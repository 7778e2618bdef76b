import type { Offset } from '@keyfold/kafka'
import type { ParkedEvent } from '../parking.ts'

/** `$.` is the control schema. */
export const PARKED_TABLE = `
  CREATE TABLE IF NOT EXISTS $.parked (
    projector text NOT NULL, generation integer NOT NULL, topic text NOT NULL, partition integer NOT NULL,
    "offset" bigint NOT NULL, key text NOT NULL, type text, error text, attempts integer NOT NULL,
    parked_at timestamptz NOT NULL, PRIMARY KEY (projector, generation, topic, partition, "offset")
  );`

export const PARKED = `SELECT topic, partition, "offset", key, type, error, attempts, parked_at FROM $.parked
  WHERE projector = $1 AND generation = $2 ORDER BY topic, partition, "offset"`

export interface StoredParkedEvent {
  readonly [column: string]: unknown
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: string
  readonly type: string | null
  readonly error: string | null
  readonly attempts: number
  readonly parked_at: Date
}

export function parkedEventOf(row: StoredParkedEvent): ParkedEvent {
  const { topic, partition, offset, key, type, error, attempts, parked_at: at } = row
  return { topic, partition, offset: Number(offset), key, type, error, attempts, parkedAtMs: at.getTime() }
}

/** PostgreSQL's text cannot hold NUL. */
function textOf(value: string | null): string | null {
  return value === null ? null : value.replaceAll('\0', '\u{fffd}')
}

/** The statements that change the list; `names` are projector, generation, topic and partition. */
export function parkingQueries(
  names: readonly unknown[],
  park: readonly ParkedEvent[],
  unpark: readonly Offset[],
): readonly { readonly text: string; readonly values: unknown[] }[] {
  const insert = `INSERT INTO $.parked SELECT $1, $2, $3, $4, * FROM
    unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::integer[], $10::timestamptz[])
    ON CONFLICT (projector, generation, topic, partition, "offset")
    DO UPDATE SET error = excluded.error, attempts = excluded.attempts`
  const columns = [
    park.map(({ offset }) => offset),
    park.map(({ key }) => textOf(key)),
    park.map(({ type }) => textOf(type)),
    park.map(({ error }) => textOf(error)),
    park.map(({ attempts }) => attempts),
    park.map(({ parkedAtMs }) => new Date(parkedAtMs)),
  ]
  const remove = `DELETE FROM $.parked WHERE projector = $1 AND generation = $2 AND topic = $3 AND partition = $4
    AND "offset" = ANY($5::bigint[])`
  return [
    ...(park.length === 0 ? [] : [{ text: insert, values: [...names, ...columns] }]),
    ...(unpark.length === 0 ? [] : [{ text: remove, values: [...names, unpark] }]),
  ]
}
