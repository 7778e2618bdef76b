import { reject } from '@keyfold/eventsourcing'
import { Aggregate, Applies, Handles } from '@keyfold/nest'
import { PaymentCompleted, PaymentFailed, PaymentRequested } from '../generated/bank.ts'
import { CompletePayment, FailPayment, RequestPayment } from './payment-commands.ts'

/** One payment between two accounts, from the request to its end. */
@Aggregate({ name: 'payment', topic: 'bank.payment' })
export class Payment {
  status: 'none' | 'requested' | 'completed' | 'failed' = 'none'

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
    return this.#ended() ?? PaymentCompleted({})
  }

  @Handles(FailPayment)
  fail({ reason }: FailPayment) {
    if (this.status === 'failed') return
    return this.#ended() ?? PaymentFailed({ reason })
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
  failed() {
    this.status = 'failed'
  }

  #ended() {
    return this.status === 'requested' ? undefined : reject('PAYMENT_NOT_OPEN', `the payment is ${this.status}`)
  }
}
