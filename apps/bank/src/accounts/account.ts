import { reject } from '@keyfold/eventsourcing'
import { Aggregate, Applies, Handles } from '@keyfold/nest'
import { AccountClosed, AccountOpened, MoneyDeposited, MoneyWithdrawn } from '../generated/bank.ts'
import { CloseAccount, Deposit, OpenAccount, Withdraw } from './account-commands.ts'

/** Somebody's money. It never goes below zero. */
@Aggregate({ name: 'account', topic: 'bank.account' })
export class Account {
  status: 'none' | 'open' | 'closed' = 'none'
  balanceCents = 0n

  @Handles(OpenAccount)
  open({ owner }: OpenAccount) {
    if (this.status !== 'none') return reject('ACCOUNT_ALREADY_OPEN', 'there is such an account already')
    return AccountOpened({ owner })
  }

  @Handles(Deposit)
  deposit({ amountCents, paymentId, memo }: Deposit) {
    return refusalOf(this, amountCents) ?? MoneyDeposited({ amountCents, paymentId, memo })
  }

  @Handles(Withdraw)
  withdraw({ amountCents, paymentId }: Withdraw) {
    const refusal = refusalOf(this, amountCents)
    if (refusal) return refusal
    if (amountCents > this.balanceCents)
      return reject('INSUFFICIENT_FUNDS', 'the account does not hold that much', {
        balanceCents: String(this.balanceCents),
        amountCents: String(amountCents),
      })
    return MoneyWithdrawn({ amountCents, paymentId })
  }

  @Handles(CloseAccount)
  close() {
    if (this.status !== 'open') return notOpen(this.status)
    if (this.balanceCents > 0n) return reject('ACCOUNT_NOT_EMPTY', 'withdraw what is left first')
    return AccountClosed({})
  }

  @Applies(AccountOpened)
  opened() {
    this.status = 'open'
  }

  @Applies(MoneyDeposited)
  deposited({ amountCents }: MoneyDeposited) {
    this.balanceCents += amountCents
  }

  @Applies(MoneyWithdrawn)
  withdrawn({ amountCents }: MoneyWithdrawn) {
    this.balanceCents -= amountCents
  }

  @Applies(AccountClosed)
  closed() {
    this.status = 'closed'
  }
}

/** What stands against moving this amount; undefined when nothing does. */
function refusalOf({ status }: Account, amountCents: bigint) {
  if (status !== 'open') return notOpen(status)
  return amountCents > 0n ? undefined : reject('AMOUNT_NOT_POSITIVE', 'the amount must be more than 0')
}

function notOpen(status: Account['status']) {
  return status === 'none'
    ? reject('ACCOUNT_NOT_FOUND', 'there is no such account')
    : reject('ACCOUNT_CLOSED', 'the account is closed')
}
