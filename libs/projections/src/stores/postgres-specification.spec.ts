import { on, projector } from '@keyfold/eventsourcing'
import { givenEvents } from '@keyfold/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Deposited, TOPIC } from '../testdata/ledger.ts'
import { findPostgres, type PostgresServer, startPostgres } from '../testdata/postgres-server.ts'
import type { PostgresTransaction } from './postgres-transaction.ts'

const balances = projector<PostgresTransaction>({
  name: 'balances',
  version: 1,
  from: [TOPIC],
  store: 'postgres',
  setup: (tx) => tx.exec('CREATE TABLE balance (account text PRIMARY KEY, cents bigint NOT NULL)'),
  on: [
    on(Deposited, async ({ amount }, { key, tx }) => {
      const sql = 'INSERT INTO balance VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET cents = balance.cents + $2'
      await tx.run(sql, key, amount)
    }),
  ],
})

describe.skipIf(findPostgres() === undefined)(
  'given events / then rows in PostgreSQL (skipped without a server)',
  () => {
    let server: PostgresServer

    beforeAll(async () => {
      server = await startPostgres({ fsync: 'off' })
    }, 60_000)
    afterAll(() => server.destroy())

    it('states what a query answers, and leaves the database as it was', async () => {
      const store = { postgres: server.connection }
      const events = ['ann', 'bob', 'ann'].map((key) => ({ key, event: Deposited({ amount: 2n }) }))
      await givenEvents(balances, events, { store }).thenRows('SELECT * FROM balance ORDER BY account', [
        { account: 'ann', cents: 4 },
        { account: 'bob', cents: 2 },
      ])
      const client = new Client(server.connection)
      await client.connect()
      const { rows } = await client.query(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'",
      )
      await client.end()
      expect(rows).toEqual([{ nspname: 'public' }])
    })
  },
)
