import { On, Projector } from '@keyfold/nest'
import type { ProjectionContext } from '@keyfold/eventsourcing'
import type { SqliteTransaction } from '@keyfold/projections'
import { PaymentCompleted, PaymentFailed, PaymentRequested } from '../generated/bank.ts'
import { Payment } from './payment.ts'

type Context = ProjectionContext<SqliteTransaction>

/** Every payment and how it stands. The open ones are what is carried on after a restart. */
@Projector({ name: 'payments', version: 1, from: [Payment] })
export class Payments {
  setup(tx: SqliteTransaction) {
    tx.exec(`CREATE TABLE payments (
      payment_id TEXT PRIMARY KEY, from_account_id TEXT NOT NULL, to_account_id TEXT NOT NULL,
      amount_cents INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX payments_open ON payments (status) WHERE status = 'requested'`)
  }

  @On(PaymentRequested)
  requested({ fromAccountId, toAccountId, amountCents }: PaymentRequested, { tx, key }: Context) {
    tx.run(`INSERT INTO payments VALUES (?, ?, ?, ?, 'requested', NULL)`, key, fromAccountId, toAccountId, amountCents)
  }

  @On(PaymentCompleted)
  completed(_: PaymentCompleted, { tx, key }: Context) {
    tx.run(`UPDATE payments SET status = 'completed' WHERE payment_id = ?`, key)
  }

  @On(PaymentFailed)
  failed({ reason }: PaymentFailed, { tx, key }: Context) {
    tx.run(`UPDATE payments SET status = 'failed', reason = ? WHERE payment_id = ?`, reason, key)
  }
}
