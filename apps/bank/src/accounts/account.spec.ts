import { eventAt } from '@keyfold/eventsourcing'
import { everyVersionUpcasts, given } from '@keyfold/testing'
import { describe, it } from 'vitest'
import { AccountClosed, AccountOpened, MoneyDeposited, MoneyWithdrawn } from '../generated/bank.ts'
import { CloseAccount, Deposit, OpenAccount, Withdraw } from './account-commands.ts'
import { Account } from './account.ts'

const accountId = 'alice'
const opened = AccountOpened({ owner: 'Alice' })
const deposited = MoneyDeposited({ amountCents: 500_00n })

describe('an account', () => {
  it('is opened once', () => {
    given(Account, [])
      .when(new OpenAccount({ accountId, owner: 'Alice' }))
      .thenEvents([opened])
    given(Account, [opened])
      .when(new OpenAccount({ accountId, owner: 'Eve' }))
      .thenRejects('ACCOUNT_ALREADY_OPEN')
  })

  it('takes deposits of more than nothing', () => {
    given(Account, [opened])
      .when(new Deposit({ accountId, amountCents: 500_00n }))
      .thenEvents([deposited])
    given(Account, [opened])
      .when(new Deposit({ accountId, amountCents: 0n }))
      .thenRejects('AMOUNT_NOT_POSITIVE')
    given(Account, [opened])
      .when(new Deposit({ accountId, amountCents: -1n }))
      .thenRejects('AMOUNT_NOT_POSITIVE')
  })

  it('gives out what it holds and no more', () => {
    const history = [opened, deposited]
    given(Account, history)
      .when(new Withdraw({ accountId, amountCents: 500_00n }))
      .thenEvents([MoneyWithdrawn({ amountCents: 500_00n })])
    given(Account, history)
      .when(new Withdraw({ accountId, amountCents: 500_01n }))
      .thenRejects('INSUFFICIENT_FUNDS')
  })

  it('remembers what was withdrawn', () => {
    given(Account, [opened, deposited, MoneyWithdrawn({ amountCents: 400_00n })])
      .when(new Withdraw({ accountId, amountCents: 100_01n }))
      .thenRejects('INSUFFICIENT_FUNDS')
  })

  it('moves no money before it is opened or after it is closed', () => {
    given(Account, [])
      .when(new Deposit({ accountId, amountCents: 1n }))
      .thenRejects('ACCOUNT_NOT_FOUND')
    given(Account, [opened, AccountClosed({})])
      .when(new Deposit({ accountId, amountCents: 1n }))
      .thenRejects('ACCOUNT_CLOSED')
  })

  it('reads deposits from before there were memos', () => {
    given(Account, [opened, eventAt(MoneyDeposited, 1, { amountCents: 5_00n })]).thenState({ balanceCents: 5_00n })
    everyVersionUpcasts(Account)
  })

  it('is closed only when it is empty', () => {
    given(Account, [opened, deposited]).when(new CloseAccount({ accountId })).thenRejects('ACCOUNT_NOT_EMPTY')
    given(Account, [opened])
      .when(new CloseAccount({ accountId }))
      .thenEvents([AccountClosed({})])
  })
})
