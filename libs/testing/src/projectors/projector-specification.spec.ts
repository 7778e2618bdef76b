import { defineEvent, dropped, eventAt, on, projector, split } from '@keyfold/eventsourcing'
import type { MemoryTransaction, SqliteTransaction } from '@keyfold/projections'
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

  it('takes events of older versions through upcasters, split ones in one transaction', async () => {
    const record = (fields: readonly object[]) => ({ type: 'record', namespace: 'test', name: 'Merged', fields })
    const Merged = defineEvent<'test.Merged', { amounts: readonly bigint[] }>({
      name: 'test.Merged',
      versions: [{ version: 1, schema: record([{ name: 'amounts', type: { type: 'array', items: 'long' } }]) }],
    })
    const upcasters = [
      split(Merged, { into: [Deposited] }, ({ amounts }) => amounts.map((amount) => Deposited({ amount }))),
      dropped(Opened),
    ]
    const log = projector<SqliteTransaction>({
      name: 'log',
      version: 1,
      from: ['test.account'],
      store: 'sqlite',
      setup: (tx) =>
        tx.exec('CREATE TABLE log (version INTEGER, sub INTEGER, amount INTEGER, PRIMARY KEY (version, sub))'),
      on: [
        on(
          Deposited,
          ({ amount }, { tx, version, subIndex }) =>
            void tx.run('INSERT INTO log VALUES (?, ?, ?)', version, subIndex, amount),
        ),
      ],
    })
    const given = [
      { key: 'a', event: Opened({ owner: 'Ann' }) },
      { key: 'a', event: eventAt(Merged, 1, { amounts: [5n, 6n] }) },
      { key: 'a', event: Deposited({ amount: 7n }) },
    ]
    await givenEvents(log, given, { upcasters }).thenRows('SELECT * FROM log ORDER BY version, sub', [
      { version: 2, sub: 0, amount: 5 },
      { version: 2, sub: 1, amount: 6 },
      { version: 3, sub: 0, amount: 7 },
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

  it('finds handlers that count a delivery twice', async () => {
    let total = 0n
    const counting = projector<SqliteTransaction>({
      name: 'totals',
      version: 1,
      from: ['test.account'],
      store: 'sqlite',
      setup: (tx) => tx.exec('CREATE TABLE total (cents INTEGER)'),
      on: [
        on(Deposited, ({ amount }, { tx, version }) => {
          // Right in every replay from the beginning, and wrong where an event comes again.
          total = version === 1 ? amount : total + amount
          tx.run('DELETE FROM total')
          tx.run('INSERT INTO total VALUES (?)', total)
        }),
      ],
    })
    const rows = givenEvents(counting, events.slice(2)).thenRows('SELECT cents FROM total', [{ cents: 7 }])
    await expect(rows).rejects.toThrow('when every event is delivered twice')
  })

  it('plays projectors of the store in memory', async () => {
    const inMemory = projector<MemoryTransaction>({
      name: 'balances',
      version: 1,
      from: ['test.account'],
      store: 'memory',
      setup: () => {},
      on: [
        on(Deposited, ({ amount }, { key, tx }) => {
          const cents = (tx.get<{ cents: bigint }>('balance', key)?.cents ?? 0n) + amount
          tx.set('balance', key, { id: key, cents })
        }),
      ],
    })
    await givenEvents(inMemory, events.slice(2), { store: 'memory' }).thenRows('balance', [{ id: 'b', cents: 7 }])
  })

  it('throws what a handler throws', async () => {
    const failing = balances(() => {
      throw new RangeError('no such account')
    })
    await expect(givenEvents(failing, events).thenRows('SELECT 1', [])).rejects.toThrow(RangeError)
  })
})
