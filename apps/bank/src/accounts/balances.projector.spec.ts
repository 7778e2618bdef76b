import { eventAt } from '@keyfold/eventsourcing'
import { givenEvents } from '@keyfold/testing'
import { describe, it } from 'vitest'
import { AccountClosed, AccountOpened, MoneyDeposited, MoneyWithdrawn } from '../generated/bank.ts'
import { Balances } from './balances.projector.ts'

const BALANCES = 'SELECT * FROM balances ORDER BY account_id'

describe('the balances', () => {
  it('are what came in less what went out, account by account', async () => {
    await givenEvents(Balances, [
      { key: 'alice', event: AccountOpened({ owner: 'Alice' }) },
      { key: 'bob', event: AccountOpened({ owner: 'Bob' }) },
      { key: 'alice', event: MoneyDeposited({ amountCents: 500_00n, memo: 'rent' }) },
      { key: 'alice', event: MoneyWithdrawn({ amountCents: 120_00n }) },
      { key: 'bob', event: MoneyDeposited({ amountCents: 120_00n }) },
    ]).thenRows(BALANCES, [
      { account_id: 'alice', owner: 'Alice', status: 'open', balance_cents: 380_00n, version: 3 },
      { account_id: 'bob', owner: 'Bob', status: 'open', balance_cents: 120_00n, version: 2 },
    ])
  })

  it('count deposits from before there were memos', async () => {
    await givenEvents(Balances, [
      { key: 'alice', event: AccountOpened({ owner: 'Alice' }) },
      { key: 'alice', event: eventAt(MoneyDeposited, 1, { amountCents: 5_00n }) },
    ]).thenRows('SELECT balance_cents FROM balances', [{ balance_cents: 5_00n }])
  })

  it('keep the row of a closed account', async () => {
    await givenEvents(Balances, [
      { key: 'alice', event: AccountOpened({ owner: 'Alice' }) },
      { key: 'alice', event: AccountClosed({}) },
    ]).thenRows(BALANCES, [{ account_id: 'alice', owner: 'Alice', status: 'closed', balance_cents: 0n, version: 2 }])
  })
})
