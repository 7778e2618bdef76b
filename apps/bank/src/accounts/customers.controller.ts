import { InjectReadModel, type ReadModel, ReadsFrom } from '@keyfold/nest'
import { Controller, Get } from '@nestjs/common'
import { formatMoney } from '../http/money.ts'
import { TopCustomers } from './top-customers.projector.ts'

@Controller('customers')
@ReadsFrom([TopCustomers])
export class CustomersController {
  readonly #customers: ReadModel

  constructor(@InjectReadModel(TopCustomers) customers: ReadModel) {
    this.#customers = customers
  }

  /** The ten owners with most money over all of their accounts. */
  @Get('top')
  top() {
    const sql = `SELECT owner, count(*) AS accounts, sum(balance_cents) AS balance_cents FROM customer_accounts
      GROUP BY owner ORDER BY balance_cents DESC, owner LIMIT 10`
    return this.#customers.bigints.all<CustomerRow>(sql).map(customer)
  }
}

interface CustomerRow {
  readonly owner: string
  readonly accounts: bigint
  readonly balance_cents: bigint
}

function customer({ owner, accounts, balance_cents }: CustomerRow) {
  return { owner, accounts: Number(accounts), balance: formatMoney(balance_cents) }
}
