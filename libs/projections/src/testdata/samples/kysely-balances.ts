import { on, projector } from '@keyfold/eventsourcing'
import { type Generated, Kysely, PostgresDialect } from 'kysely'
import type { PostgresTransaction } from '../../index.ts'
import { Deposited, TOPIC } from '../ledger.ts'

// #region kysely
interface Tables {
  balance: { account: string; cents: bigint; deposits: Generated<bigint> }
}

/** Kysely on the one connection of the open transaction; Keyfold begins it and commits it. */
function kyselyOf(tx: PostgresTransaction): Kysely<Tables> {
  const connection = {
    query: (sql: string, values: readonly unknown[]) => tx.client.query(sql, [...values]),
    release: () => {},
  }
  const pool = { connect: async () => connection, end: async () => {} }
  return new Kysely({ dialect: new PostgresDialect({ pool: pool as never }) })
}

export const kyselyBalances = projector<PostgresTransaction>({
  name: 'kysely_balances',
  version: 1,
  from: [TOPIC],
  store: 'postgres',
  setup: async (tx) => {
    await kyselyOf(tx)
      .schema.createTable('balance')
      .addColumn('account', 'text', (column) => column.primaryKey())
      .addColumn('cents', 'bigint', (column) => column.notNull())
      .addColumn('deposits', 'bigint', (column) => column.notNull().defaultTo(1))
      .execute()
  },
  on: [
    on(Deposited, async ({ amount }, { key, tx }) => {
      await kyselyOf(tx)
        .insertInto('balance')
        .values({ account: key, cents: amount })
        .onConflict((conflict) =>
          conflict.column('account').doUpdateSet(({ ref, eb }) => ({
            cents: eb('balance.cents', '+', ref('excluded.cents')),
            deposits: eb('balance.deposits', '+', 1n),
          })),
        )
        .execute()
    }),
  ],
})
// #endregion kysely
