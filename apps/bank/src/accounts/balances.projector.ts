import { On, Projector } from '@keyfold/nest'
import type { ProjectionContext } from '@keyfold/eventsourcing'
import type { SqliteTransaction } from '@keyfold/projections'
import { AccountClosed, AccountOpened, MoneyDeposited, MoneyWithdrawn } from '../generated/bank.ts'
import { Account } from './account.ts'

type Context = ProjectionContext<SqliteTransaction>

/** What every account holds now: one row per account. */
@Projector({ name: 'balances', version: 1, from: [Account] })
export class Balances {
  setup(tx: SqliteTransaction) {
    tx.exec(`CREATE TABLE balances (
      account_id TEXT PRIMARY KEY, owner TEXT NOT NULL, status TEXT NOT NULL,
      balance_cents INTEGER NOT NULL, version INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`)
  }

  @On(AccountOpened)
  opened({ owner }: AccountOpened, { tx, key, version }: Context) {
    tx.run(`INSERT INTO balances VALUES (?, ?, 'open', 0, ?)`, key, owner, version)
  }

  @On(MoneyDeposited)
  deposited({ amountCents }: MoneyDeposited, context: Context) {
    this.#move(amountCents, context)
  }

  @On(MoneyWithdrawn)
  withdrawn({ amountCents }: MoneyWithdrawn, context: Context) {
    this.#move(-amountCents, context)
  }

  @On(AccountClosed)
  closed(_: AccountClosed, { tx, key, version }: Context) {
    tx.run(`UPDATE balances SET status = 'closed', version = ? WHERE account_id = ?`, version, key)
  }

  #move(cents: bigint, { tx, key, version }: Context) {
    tx.run(
      `UPDATE balances SET balance_cents = balance_cents + ?, version = ? WHERE account_id = ?`,
      cents,
      version,
      key,
    )
  }
}
