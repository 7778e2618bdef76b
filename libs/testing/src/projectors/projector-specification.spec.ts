import { on, projector } from '@keyfold/eventsourcing'
import type { SqliteTransaction } from '@keyfold/projections'
import { describe, expect, it } from 'vitest'
import { Deposited, Opened } from '../testdata/account.ts'
import { givenEvents } from './projector-specification.ts'

const events = [
  { key: 'a', event: Opened({ owner: 'Ann' }) },
  { key: 'a', event: Deposited({ amount: 2n ** 60n }) },
  { key: 'b', event: Deposited({ amount: 3n }) },
  { key: 'b', event: Deposited({ amount: 4n }), time: new Date('2026-05-01T00:00:00Z') },
]

type Handler = (data: { amount: bigint }, key: string, tx: SqliteTransaction, time: Date) => void

function balances(handler: Handler) {
  return projector<SqliteTransaction>({
    name: 'balances',
    version: 1,
    from: ['test.account'],
    store: 'sqlite',
    setup: (tx) => tx.exec('CREATE TABLE balance (id TEXT PRIMARY KEY, cents INTEGER, at TEXT)'),
    on: [on(Deposited, (data, { key, tx, time }) => handler(data, key, tx, time))],
  })
}

const add: Handler = ({ amount }, key, tx, time) => {
  tx.run(
    'INSERT INTO balance VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET cents = cents + excluded.cents, at = excluded.at',
    key,
    amount,
    time.toISOString(),
  )
}

describe('given events / then rows', () => {
  it('states what a query answers', async () => {
    const specification = givenEvents(balances(add), events)
    await specification.thenRows('SELECT id, cents FROM balance ORDER BY id', [
      { id: 'a', cents: 2n ** 60n },
      { id: 'b', cents: 7 },
    ])
    await specification.thenRows('SELECT at FROM balance WHERE id = :id'.replace(':id', "'b'"), [
      { at: '2026-05-01T00:00:00.000Z' },
    ])
  })

  it('shows rows that differ', async () => {
    const rows = givenEvents(balances(add), events).thenRows("SELECT cents FROM balance WHERE id = 'b'", [{ cents: 8 }])
    await expect(rows).rejects.toThrow('other rows\n  expected: [{ cents: 8 }]\n  but got:  [{ cents: 7n }]')
  })

  it('finds handlers that keep something outside the transaction', async () => {
    let total = 0n
    const forgetful: Handler = ({ amount }, key, tx) => {
      total += amount
      tx.run('INSERT OR REPLACE INTO balance VALUES (?, ?, NULL)', key, total)
    }
    const rows = givenEvents(balances(forgetful), events.slice(2)).thenRows('SELECT id, cents FROM balance', [
      { id: 'b', cents: 7 },
    ])
    await expect(rows).rejects.toThrow('the rows differ when a transaction fails halfway and is run again: balance')
  })

  it('throws what a handler throws', async () => {
    const failing = balances(() => {
      throw new RangeError('no such account')
    })
    await expect(givenEvents(failing, events).thenRows('SELECT 1', [])).rejects.toThrow(RangeError)
  })
})
