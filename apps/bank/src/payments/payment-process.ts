import type { CommandOutcome } from '@keyfold/event-store'
import type { Command } from '@keyfold/eventsourcing'
import { CommandBus, InjectReadModel, KeyfoldRuntime, type ReadModel } from '@keyfold/nest'
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common'
import { Deposit, Withdraw } from '../accounts/account-commands.ts'
import { CompletePayment, FailPayment, RequestPayment } from './payment-commands.ts'
import { Payments } from './payments.projector.ts'

export interface PaymentTerms {
  readonly fromAccountId: string
  readonly toAccountId: string
  readonly amountCents: bigint
}

export type PaymentEnd = { readonly status: 'completed' } | { readonly status: 'failed'; readonly reason: string }

/**
 * Carries a payment out: withdraw, deposit, complete; when the deposit is refused, the payer gets the money back. Every
 * step has a command id made from the payment's, so a step that is sent again happens once. What a crash interrupts is
 * carried on at the next start: no money is lost or made.
 */
@Injectable()
export class PaymentProcess implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #bus: CommandBus
  readonly #runtime: KeyfoldRuntime
  readonly #payments: ReadModel
  readonly #logger = new Logger(PaymentProcess.name)
  readonly #stopping = new AbortController()

  constructor(
    @Inject(CommandBus) bus: CommandBus,
    @Inject(KeyfoldRuntime) runtime: KeyfoldRuntime,
    @InjectReadModel(Payments) payments: ReadModel,
  ) {
    this.#bus = bus
    this.#runtime = runtime
    this.#payments = payments
  }

  /** The payments that were open when the process ended come first. */
  async onApplicationBootstrap(): Promise<void> {
    await this.#runtime.projections.caughtUp('payments')
    for (const { payment_id, ...row } of this.#payments.bigints.all<OpenPayment>(OPEN_PAYMENTS)) {
      const terms = {
        fromAccountId: row.from_account_id,
        toAccountId: row.to_account_id,
        amountCents: row.amount_cents,
      }
      const end = await this.#carryOut(payment_id, terms)
      this.#logger.log(`payment ${payment_id} was open and is now ${end.status}`)
    }
  }

  onModuleDestroy(): void {
    this.#stopping.abort()
  }

  /** Requests a payment and carries it out. Repeating it with the same id gives the same end. */
  async pay(paymentId: string, terms: PaymentTerms): Promise<PaymentEnd> {
    await this.#bus.execute(new RequestPayment({ paymentId, ...terms }), { commandId: `${paymentId}:request` })
    return await this.#carryOut(paymentId, terms)
  }

  async #carryOut(paymentId: string, { fromAccountId, toAccountId, amountCents }: PaymentTerms): Promise<PaymentEnd> {
    const money = { amountCents, paymentId }
    const withdrawn = await this.#step(paymentId, 'withdraw', new Withdraw({ accountId: fromAccountId, ...money }))
    if (withdrawn.kind === 'rejected') return await this.#fail(paymentId, withdrawn.rejection.code)

    const deposited = await this.#step(paymentId, 'deposit', new Deposit({ accountId: toAccountId, ...money }))
    if (deposited.kind === 'rejected') {
      await this.#step(paymentId, 'refund', new Deposit({ accountId: fromAccountId, ...money }))
      return await this.#fail(paymentId, deposited.rejection.code)
    }
    await this.#step(paymentId, 'complete', new CompletePayment({ paymentId }))
    return { status: 'completed' }
  }

  async #fail(paymentId: string, reason: string): Promise<PaymentEnd> {
    await this.#step(paymentId, 'fail', new FailPayment({ paymentId, reason }))
    return { status: 'failed', reason }
  }

  /** One step, sent with the same command id until its outcome is known. */
  async #step(paymentId: string, name: string, command: Command): Promise<Decided> {
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.#bus.tryExecute(command, { commandId: `${paymentId}:${name}` })
      if (outcome.kind === 'committed' || outcome.kind === 'rejected') return outcome
      if (!outcome.error.retriable || attempt === ATTEMPTS_MAX || this.#stopping.signal.aborted) throw outcome.error
      await new Promise((resolve) => setTimeout(resolve, Math.min(50 * 2 ** attempt, 1000)))
    }
  }
}

type Decided = Extract<CommandOutcome, { kind: 'committed' | 'rejected' }>

/** About ten seconds of trying; after that the payment stays open and the next start carries it on. */
const ATTEMPTS_MAX = 12

const OPEN_PAYMENTS = `SELECT payment_id, from_account_id, to_account_id, amount_cents FROM payments WHERE status = 'requested'`

interface OpenPayment {
  readonly payment_id: string
  readonly from_account_id: string
  readonly to_account_id: string
  readonly amount_cents: bigint
}
