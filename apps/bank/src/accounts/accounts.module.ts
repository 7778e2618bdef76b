import { KeyfoldModule } from '@keyfold/nest'
import { Module } from '@nestjs/common'
import { Account } from './account.ts'
import { AccountsController } from './accounts.controller.ts'
import { Balances } from './balances.projector.ts'
import { CustomersController } from './customers.controller.ts'
import { Statements } from './statements.projector.ts'
import { TopCustomers } from './top-customers.projector.ts'

@Module({
  imports: [KeyfoldModule.forFeature({ aggregates: [Account], projectors: [Balances, Statements, TopCustomers] })],
  controllers: [AccountsController, CustomersController],
})
export class AccountsModule {}
