import { reject } from '@keyfold/eventsourcing'
import { Aggregate, Applies, Handles, Upcast } from '@keyfold/nest'
import {
  PaymentCompleted,
  PaymentFailed,
  type PaymentFailedCause,
  type PaymentFailedInput,
  type PaymentFailedV1,
  PaymentRequested,
} from '../generated/bank.ts'
import { failureCause } from './failure-cause.ts'
import { CompletePayment, FailPayment, RequestPayment } from './payment-commands.ts'

/** One payment between two accounts, from the request to its end. */
@Aggregate({ name: 'payment', topic: 'bank.payment' })
export class Payment {
  status: 'none' | 'requested' | 'completed' | 'failed' = 'none'
  cause: PaymentFailedCause | undefined

  @Handles(RequestPayment)
  request({ fromAccountId, toAccountId, amountCents }: RequestPayment) {
    if (this.status !== 'none') return reject('PAYMENT_ALREADY_REQUESTED', 'there is such a payment already')
    if (amountCents <= 0n) return reject('AMOUNT_NOT_POSITIVE', 'the amount must be more than 0')
    if (fromAccountId === toAccountId) return reject('PAYMENT_TO_ITSELF', 'payer and payee are the same account')
    return PaymentRequested({ fromAccountId, toAccountId, amountCents })
  }

  @Handles(CompletePayment)
  complete() {
    if (this.status === 'completed') return
    return refusalOf(this) ?? PaymentCompleted({})
  }

  @Handles(FailPayment)
  fail({ reason }: FailPayment) {
    if (this.status === 'failed') return
    return refusalOf(this) ?? PaymentFailed({ reason, cause: failureCause(reason) })
  }

  @Applies(PaymentRequested)
  requested() {
    this.status = 'requested'
  }

  @Applies(PaymentCompleted)
  completed() {
    this.status = 'completed'
  }

  @Applies(PaymentFailed)
  failed({ cause }: PaymentFailed) {
    this.status = 'failed'
    this.cause = cause
  }

  /** Version 1 did not say the cause, but its reason tells. */
  @Upcast(PaymentFailed, { from: 1, to: 2 })
  static withCause({ reason }: PaymentFailedV1): PaymentFailedInput {
    return { reason, cause: failureCause(reason) }
  }
}

function refusalOf({ status }: Payment) {
  return status === 'requested' ? undefined : reject('PAYMENT_NOT_OPEN', `the payment is ${status}`)
}
