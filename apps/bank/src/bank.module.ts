import { KeyfoldModule, KeyfoldOperationsModule, KeyfoldPositionInterceptor } from '@keyfold/nest'
import { Module } from '@nestjs/common'
import { APP_INTERCEPTOR } from '@nestjs/core'
import { AccountsModule } from './accounts/accounts.module.ts'
import { OperationsModule } from './operations/operations.module.ts'
import { PaymentsModule } from './payments/payments.module.ts'

/** What `keyfold projections` shows on behalf of its callers; without it only those on this machine are let in. */
const token = process.env['KEYFOLD_APP_TOKEN'] ?? ''

/** Accounts, payments between them, and what operating them needs. */
@Module({
  imports: [
    KeyfoldModule.forRoot({ application: 'bank', registerSchemas: 'initial' }),
    AccountsModule,
    PaymentsModule,
    OperationsModule,
    // `keyfold projections` and `keyfold parked` speak to it.
    KeyfoldOperationsModule.forRoot(token === '' ? {} : { token }),
  ],
  // Answers say where events lie; requests may wait until they show: Keyfold-Position, Prefer: wait=2.
  providers: [{ provide: APP_INTERCEPTOR, useClass: KeyfoldPositionInterceptor }],
})
export class BankModule {}
