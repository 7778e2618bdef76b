import { KeyfoldModule, KeyfoldOperationsModule, KeyfoldPositionInterceptor } from '@keyfold/nest'
import { Module } from '@nestjs/common'
import { APP_INTERCEPTOR } from '@nestjs/core'
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
    // `keyfold projections` and `keyfold parked` speak to it, from this machine.
    KeyfoldOperationsModule.forRoot(),
  ],
  // Answers say where events lie; requests may wait until they show: Keyfold-Position, Prefer: wait=2.
  providers: [{ provide: APP_INTERCEPTOR, useClass: KeyfoldPositionInterceptor }],
})
export class BankModule {}
