import { KeyfoldModule } from '@keyfold/nest'
import { Module } from '@nestjs/common'
import { AccountsModule } from './accounts/accounts.module.ts'
import { OperationsModule } from './operations/operations.module.ts'
import { PaymentsModule } from './payments/payments.module.ts'

/** Accounts, payments between them, and what operating them needs. */
@Module({
  imports: [
    KeyfoldModule.forRoot({ application: 'bank', registerSchemas: 'initial' }),
    AccountsModule,
    PaymentsModule,
    OperationsModule,
  ],
})
export class BankModule {}
