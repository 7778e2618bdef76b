import { readFileSync } from 'node:fs'

/** One event of the bank: its versions, and a value of the newest one. */
export interface BankEvent {
  readonly name: string
  readonly newest: string
  /** The version before, where there is one. */
  readonly previous: string | undefined
  readonly value: Readonly<Record<string, unknown>>
  /** A value of the version before. */
  readonly previousValue: Readonly<Record<string, unknown>> | undefined
}

const schemas = new URL('../../schemas/bank/', import.meta.url)
const text = (event: string, version: number) => readFileSync(new URL(`${event}/v${version}.avsc`, schemas), 'utf8')

const accountId = 'acc-7f3b2a91-5d'
const paymentId = 'pay-0198c3aa-41'

/** The events that a bank in use writes most, of both sizes and with both kinds of change between versions. */
export const EVENTS: readonly BankEvent[] = [
  {
    name: 'MoneyDeposited',
    newest: text('money-deposited', 2),
    previous: text('money-deposited', 1),
    value: { amountCents: 1_250_00n, paymentId, memo: 'rent, November' },
    previousValue: { amountCents: 1_250_00n, paymentId },
  },
  {
    name: 'PaymentRequested',
    newest: text('payment-requested', 1),
    previous: undefined,
    value: { fromAccountId: accountId, toAccountId: 'acc-99ac03e2-77', amountCents: 99_90n },
    previousValue: undefined,
  },
  {
    name: 'PaymentFailed',
    newest: text('payment-failed', 2),
    previous: text('payment-failed', 1),
    value: { reason: 'INSUFFICIENT_FUNDS', cause: 'FUNDS' },
    previousValue: { reason: 'INSUFFICIENT_FUNDS' },
  },
]
