import { randomUUID } from 'node:crypto'
import type { Command } from '@keyfold/eventsourcing'
import { CommandBus, InjectReadModel, KeyfoldRuntime, type ReadModel, ReadsFrom } from '@keyfold/nest'
import { Body, Controller, Delete, Get, HttpCode, Inject, NotFoundException, Param, Post } from '@nestjs/common'
import { IdempotencyKey } from '../http/idempotency-key.ts'
import { formatMoney } from '../http/money.ts'
import { type AcceptedBody, acceptedBody } from '../http/receipts.ts'
import {
  accountIdParameter,
  type DepositBody,
  depositBody,
  type OpenAccountBody,
  openAccountBody,
  type WithdrawalBody,
  withdrawalBody,
} from '../http/request-bodies.ts'
import { describeEvent } from '../operations/event-description.ts'
import { CloseAccount, Deposit, OpenAccount, Withdraw } from './account-commands.ts'
import { Balances } from './balances.projector.ts'
import { Statements } from './statements.projector.ts'

const AccountId = () => Param('accountId', { schema: accountIdParameter })

@Controller('accounts')
@ReadsFrom([Balances])
export class AccountsController {
  readonly #bus: CommandBus
  readonly #runtime: KeyfoldRuntime
  readonly #balances: ReadModel
  readonly #statements: ReadModel

  constructor(
    @Inject(CommandBus) bus: CommandBus,
    @Inject(KeyfoldRuntime) runtime: KeyfoldRuntime,
    @InjectReadModel(Balances) balances: ReadModel,
    @InjectReadModel(Statements) statements: ReadModel,
  ) {
    this.#bus = bus
    this.#runtime = runtime
    this.#balances = balances
    this.#statements = statements
  }

  @Post()
  open(@Body({ schema: openAccountBody }) body: OpenAccountBody, @IdempotencyKey() key?: string) {
    // Without an id of its own, a repeated request must name the same account: the key is that name.
    const accountId = body.accountId ?? key ?? randomUUID()
    return this.#execute(accountId, new OpenAccount({ accountId, owner: body.owner }), key)
  }

  @Post(':accountId/deposits')
  deposit(
    @AccountId() accountId: string,
    @Body({ schema: depositBody }) { amount, memo }: DepositBody,
    @IdempotencyKey() key?: string,
  ) {
    return this.#execute(accountId, new Deposit({ accountId, amountCents: amount, memo }), key)
  }

  @Post(':accountId/withdrawals')
  withdraw(
    @AccountId() accountId: string,
    @Body({ schema: withdrawalBody }) { amount }: WithdrawalBody,
    @IdempotencyKey() key?: string,
  ) {
    return this.#execute(accountId, new Withdraw({ accountId, amountCents: amount }), key)
  }

  @Delete(':accountId')
  @HttpCode(200)
  close(@AccountId() accountId: string, @IdempotencyKey() key?: string) {
    return this.#execute(accountId, new CloseAccount({ accountId }), key)
  }

  @Get()
  list() {
    return this.#balances.bigints.all<BalanceRow>('SELECT * FROM balances ORDER BY account_id LIMIT 1000').map(balance)
  }

  @Get(':accountId')
  show(@AccountId() accountId: string) {
    const row = this.#balances.bigints.get<BalanceRow>('SELECT * FROM balances WHERE account_id = ?', accountId)
    if (row === undefined) throw new NotFoundException(`there is no account ${accountId}`)
    return balance(row)
  }

  /** The newest movements. The read model exists once it has been started: `POST /keyfold/projections/statements/start`. */
  @Get(':accountId/statement')
  @ReadsFrom([Statements])
  statement(@AccountId() accountId: string) {
    const rows = this.#statements.bigints.all<MovementRow>(
      'SELECT * FROM movements WHERE account_id = ? ORDER BY version DESC LIMIT 100',
      accountId,
    )
    return rows.map(movement)
  }

  /** The account's events as they are stored. */
  @Get(':accountId/events')
  async events(@AccountId() accountId: string) {
    const events = await this.#runtime.eventStore.readEvents({ topic: 'bank.account', key: accountId, limit: 100 })
    return events.map(describeEvent)
  }

  async #execute(accountId: string, command: Command, key: string | undefined): Promise<AcceptedBody> {
    const receipt = await this.#bus.execute(command, {
      ...(key !== undefined && { commandId: key }),
      waitFor: [Balances],
    })
    return acceptedBody({ accountId }, receipt)
  }
}

interface BalanceRow {
  readonly account_id: string
  readonly owner: string
  readonly status: string
  readonly balance_cents: bigint
  readonly version: bigint
}

function balance({ account_id, owner, status, balance_cents, version }: BalanceRow) {
  return { accountId: account_id, owner, status, balance: formatMoney(balance_cents), version: Number(version) }
}

interface MovementRow {
  readonly version: bigint
  readonly time: string
  readonly amount_cents: bigint
  readonly payment_id: string | null
  readonly memo: string
}

function movement({ version, time, amount_cents, payment_id, memo }: MovementRow) {
  return { version: Number(version), time, amount: formatMoney(amount_cents), paymentId: payment_id, memo }
}
