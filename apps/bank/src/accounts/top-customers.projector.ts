import { On, Projector } from '@keyfold/nest'
import type { ProjectionContext } from '@keyfold/eventsourcing'
import { rowTable, type SqliteTransaction } from '@keyfold/projections'
import { AccountClosed, AccountOpened, MoneyDeposited, MoneyWithdrawn } from '../generated/bank.ts'
import { Account } from './account.ts'

type Context = ProjectionContext<SqliteTransaction>

const accounts = rowTable('customer_accounts', {
  key: { account_id: 'text' },
  columns: { owner: 'text', balance_cents: 'bigint' },
})

/**
 * Who has most with the bank: an owner may have several accounts. Written by rows, which the framework folds per batch
 * and writes at once; it would run on PostgreSQL as it is.
 */
@Projector({ name: 'top-customers', version: 1, from: [Account] })
export class TopCustomers {
  setup(tx: SqliteTransaction) {
    tx.createTable(accounts)
  }

  /** Made when the bulk of a replay is done. */
  indexes(tx: SqliteTransaction) {
    tx.exec('CREATE INDEX IF NOT EXISTS customer_accounts_by_owner ON customer_accounts (owner, balance_cents)')
  }

  @On(AccountOpened)
  opened({ owner }: AccountOpened, { tx, key }: Context) {
    tx.rows(accounts).put({ account_id: key }, { owner })
  }

  @On(MoneyDeposited)
  deposited({ amountCents }: MoneyDeposited, { tx, key }: Context) {
    tx.rows(accounts).add({ account_id: key }, { balance_cents: amountCents })
  }

  @On(MoneyWithdrawn)
  withdrawn({ amountCents }: MoneyWithdrawn, { tx, key }: Context) {
    tx.rows(accounts).add({ account_id: key }, { balance_cents: -amountCents })
  }

  @On(AccountClosed)
  closed(_: AccountClosed, { tx, key }: Context) {
    tx.rows(accounts).remove({ account_id: key })
  }
}
