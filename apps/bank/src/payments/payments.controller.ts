import { randomUUID } from 'node:crypto'
import { InjectReadModel, type ReadModel } from '@keyfold/nest'
import { Body, Controller, Get, Inject, NotFoundException, Param, Post } from '@nestjs/common'
import { IdempotencyKey } from '../http/idempotency-key.ts'
import { formatMoney } from '../http/money.ts'
import { type PaymentBody, paymentBody } from '../http/request-bodies.ts'
import { PaymentProcess } from './payment-process.ts'
import { Payments } from './payments.projector.ts'

@Controller('payments')
export class PaymentsController {
  readonly #process: PaymentProcess
  readonly #payments: ReadModel

  constructor(@Inject(PaymentProcess) process: PaymentProcess, @InjectReadModel(Payments) payments: ReadModel) {
    this.#process = process
    this.#payments = payments
  }

  /** Answers when the payment has ended, well or not. The `Idempotency-Key` is the payment's id. */
  @Post()
  async pay(@Body({ schema: paymentBody }) { from, to, amount }: PaymentBody, @IdempotencyKey() key?: string) {
    const paymentId = key ?? randomUUID()
    const end = await this.#process.pay(paymentId, { fromAccountId: from, toAccountId: to, amountCents: amount })
    return { paymentId, ...end }
  }

  @Get(':paymentId')
  show(@Param('paymentId') paymentId: string) {
    const row = this.#payments.bigints.get<PaymentRow>('SELECT * FROM payments WHERE payment_id = ?', paymentId)
    if (row === undefined) throw new NotFoundException(`there is no payment ${paymentId}`)
    const { from_account_id: from, to_account_id: to, amount_cents, status, reason } = row
    return { paymentId, from, to, amount: formatMoney(amount_cents), status, ...(reason !== null && { reason }) }
  }
}

interface PaymentRow {
  readonly from_account_id: string
  readonly to_account_id: string
  readonly amount_cents: bigint
  readonly status: string
  readonly reason: string | null
}
