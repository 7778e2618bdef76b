import { eventAt } from '@keyfold/eventsourcing'
import { everyVersionUpcasts, given } from '@keyfold/testing'
import { describe, it } from 'vitest'
import { PaymentCompleted, PaymentFailed, PaymentRequested } from '../generated/bank.ts'
import { CompletePayment, FailPayment, RequestPayment } from './payment-commands.ts'
import { Payment } from './payment.ts'

const paymentId = 'p-1'
const terms = { fromAccountId: 'alice', toAccountId: 'bob', amountCents: 200_00n }
const requested = PaymentRequested(terms)

describe('a payment', () => {
  it('is requested once, between two accounts, over more than nothing', () => {
    given(Payment, [])
      .when(new RequestPayment({ paymentId, ...terms }))
      .thenEvents([requested])
    given(Payment, [requested])
      .when(new RequestPayment({ paymentId, ...terms }))
      .thenRejects('PAYMENT_ALREADY_REQUESTED')
    given(Payment, [])
      .when(new RequestPayment({ paymentId, ...terms, toAccountId: 'alice' }))
      .thenRejects('PAYMENT_TO_ITSELF')
    given(Payment, [])
      .when(new RequestPayment({ paymentId, ...terms, amountCents: 0n }))
      .thenRejects('AMOUNT_NOT_POSITIVE')
  })

  it('ends one way only', () => {
    given(Payment, [requested])
      .when(new CompletePayment({ paymentId }))
      .thenEvents([PaymentCompleted({})])
    given(Payment, [requested, PaymentCompleted({})])
      .when(new FailPayment({ paymentId, reason: 'ACCOUNT_CLOSED' }))
      .thenRejects('PAYMENT_NOT_OPEN')
    given(Payment, [requested, PaymentFailed({ reason: 'ACCOUNT_CLOSED' })])
      .when(new CompletePayment({ paymentId }))
      .thenRejects('PAYMENT_NOT_OPEN')
  })

  it('says what stood in the way', () => {
    given(Payment, [requested])
      .when(new FailPayment({ paymentId, reason: 'INSUFFICIENT_FUNDS' }))
      .thenEvents([PaymentFailed({ reason: 'INSUFFICIENT_FUNDS', cause: 'FUNDS' })])
      .thenState({ status: 'failed', cause: 'FUNDS' })
    given(Payment, [requested])
      .when(new FailPayment({ paymentId, reason: 'WEATHER' }))
      .thenState({ cause: 'UNKNOWN' })
  })

  it('reads the cause in what version 1 of the event said', () => {
    given(Payment, [requested, eventAt(PaymentFailed, 1, { reason: 'ACCOUNT_CLOSED' })]).thenState({
      status: 'failed',
      cause: 'ACCOUNT',
    })
  })

  it('reads every version of every event that was ever written', () => {
    everyVersionUpcasts(Payment)
  })

  it('does not mind being ended twice the same way', () => {
    given(Payment, [requested, PaymentCompleted({})])
      .when(new CompletePayment({ paymentId }))
      .thenNothing()
  })
})
