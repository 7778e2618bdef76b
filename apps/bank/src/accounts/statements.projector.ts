import { On, Projector } from '@keyfold/nest'
import type { ProjectionContext } from '@keyfold/eventsourcing'
import type { SqliteTransaction } from '@keyfold/projections'
import { MoneyDeposited, MoneyWithdrawn } from '../generated/bank.ts'
import { Account } from './account.ts'

type Context = ProjectionContext<SqliteTransaction>

/** Every movement of every account. It waits until somebody asks for it, and is then built from offset zero. */
@Projector({ name: 'statements', version: 1, from: [Account], start: 'manual' })
export class Statements {
  setup(tx: SqliteTransaction) {
    tx.exec(`CREATE TABLE movements (
      account_id TEXT NOT NULL, version INTEGER NOT NULL, time TEXT NOT NULL,
      amount_cents INTEGER NOT NULL, payment_id TEXT, memo TEXT NOT NULL,
      PRIMARY KEY (account_id, version)
    ) STRICT, WITHOUT ROWID`)
  }

  @On(MoneyDeposited)
  deposited({ amountCents, paymentId, memo }: MoneyDeposited, context: Context) {
    this.#add(context, amountCents, paymentId, memo)
  }

  @On(MoneyWithdrawn)
  withdrawn({ amountCents, paymentId }: MoneyWithdrawn, context: Context) {
    this.#add(context, -amountCents, paymentId, '')
  }

  #add({ tx, key, version, time }: Context, cents: bigint, paymentId: string | null, memo: string) {
    tx.run('INSERT INTO movements VALUES (?, ?, ?, ?, ?, ?)', key, version, time.toISOString(), cents, paymentId, memo)
  }
}
