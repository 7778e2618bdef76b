import { isObject } from './metadata.ts'
import { isPositive, type LogWrite, parseObject } from './schema-record.ts'

/**
 * What has to be remembered of ids when the last version with one is deleted for good: compaction takes the records
 * away that said it. Without this an id could be given again and old events would be read with a wrong schema.
 */
export interface IdLedger {
  /** The highest id ever given, by context. */
  readonly idMax: Readonly<Record<string, number>>
  /** By context and guid, the ids of contents that have no version now; they get them back when they return. */
  readonly retired: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/**
 * The members are in another order than in Confluent's own NOOP. To every registry it is a NOOP, which they pass over
 * without looking at its value; to compaction it is another key, so that no NOOP of theirs takes it away.
 */
const LEDGER_KEY = Buffer.from('{"magic":0,"keytype":"NOOP"}')

/** In each context, the contents retired last are remembered; of the others only that their ids are used up. */
export const RETIRED_MAX = 1000

export function ledgerWrite(ledger: IdLedger): LogWrite {
  return { key: LEDGER_KEY, value: Buffer.from(JSON.stringify(ledger)) }
}

/** Nothing for the values of other NOOP records. */
export function parseLedger(value: Buffer | null): IdLedger | undefined {
  const { idMax, retired } = (value && parseObject(value)) ?? {}
  if (!isObject(idMax) || !isObject(retired)) return undefined
  return {
    idMax: positiveMembers(idMax),
    retired: mapMembers(retired, (ids) => (isObject(ids) ? positiveMembers(ids) : {})),
  }
}

function positiveMembers(json: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(json).filter((entry): entry is [string, number] => isPositive(entry[1])))
}

function mapMembers<From, To>(
  members: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, change(value)]))
}
