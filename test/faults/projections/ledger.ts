import { defineEvent, effect, on, projector, type ProjectorDescriptor } from '@keyfold/eventsourcing'
import { type PostgresTransaction, rowTable, type SqliteTransaction } from '@keyfold/projections'
import { InMemoryCodec } from '@keyfold/testing'

export const TOPIC = 'lane.account'
export const PROJECTOR = 'balances'
export const PARTITIONS = 2
/** A handler cannot apply an event with this note until it is mended. */
export const POISON = 'poison'
/** An event with this note gets an answer from the effects: another event, in another partition. */
export const ASKS = 'asks'

/** Where an event lies. */
export interface Place {
  readonly partition: number
  readonly offset: number
}

/** The note of an answer. */
export function answerTo({ partition, offset }: Place): string {
  return `because of ${partition}/${offset}`
}

/** What an answer answers; undefined for what is no answer. */
export function causeOf(note: string): Place | undefined {
  const [, partition, offset] = /^because of (\d+)\/(\d+)$/.exec(note) ?? []
  return offset === undefined ? undefined : { partition: Number(partition), offset: Number(offset) }
}

export const DEPOSITED_SCHEMA = {
  type: 'record',
  namespace: 'lane',
  name: 'Deposited',
  fields: [
    { name: 'amount', type: 'long' },
    { name: 'note', type: 'string' },
  ],
} as const

export const Deposited = defineEvent<'lane.Deposited', { amount: bigint; note: string }>({
  name: 'lane.Deposited',
  versions: [{ version: 1, schema: DEPOSITED_SCHEMA }],
})

export const codec = new InMemoryCodec([Deposited])

export type Medium = 'sqlite' | 'postgres'

/** What a handler tells of itself, in the transaction of its rows. */
interface AuditRow extends Place {
  readonly key: string
}

export interface LedgerOptions {
  readonly medium: Medium
  /** Who applies an event: whoever comes later has a higher number. */
  readonly incarnation: () => number
  readonly isMended: (partition: number, offset: number) => boolean
  readonly send: (place: Place, note: string) => Promise<void>
}

const balance = rowTable('balance', { key: { account: 'text' }, columns: { cents: 'bigint', version: 'bigint' } })

/** SQLite leaves `keyfold_` tables out of comparisons; in PostgreSQL the audit stands in a schema of its own. */
const AUDIT_TABLE = `CREATE TABLE keyfold_audit (seq INTEGER PRIMARY KEY, incarnation INTEGER NOT NULL,
  partition INTEGER NOT NULL, place INTEGER NOT NULL, account TEXT NOT NULL)`

/** Balances per account, and an audit without any unique key: what is applied twice is there twice. */
export function balances({ medium, incarnation, isMended, send }: LedgerOptions): ProjectorDescriptor {
  const audit = (tx: SqliteTransaction | PostgresTransaction, { partition, offset, key }: AuditRow) => {
    if ('client' in tx) {
      const sql = 'INSERT INTO audit.applied (incarnation, partition, place, account) VALUES ($1, $2, $3, $4)'
      return tx.run(sql, incarnation(), partition, offset, key).then(() => {})
    }
    const sql = 'INSERT INTO keyfold_audit (incarnation, partition, place, account) VALUES (?, ?, ?, ?)'
    tx.run(sql, incarnation(), partition, offset, key)
    return undefined
  }
  return projector<SqliteTransaction | PostgresTransaction>({
    name: PROJECTOR,
    version: 1,
    from: [TOPIC],
    store: medium,
    setup: (tx) => {
      if (!('client' in tx)) tx.exec(AUDIT_TABLE)
      return tx.createTable(balance)
    },
    on: [
      on(Deposited, ({ amount, note }, { key, version, partition, offset, tx }) => {
        if (note === POISON && !isMended(partition, offset)) throw new Error('poison')
        tx.rows(balance).add({ account: key }, { cents: amount })
        tx.rows(balance).put({ account: key }, { version: BigInt(version) })
        return audit(tx, { partition, offset, key })
      }),
    ],
    effects: [effect(Deposited, ({ note }, { partition, offset }) => send({ partition, offset }, note))],
  })
}
