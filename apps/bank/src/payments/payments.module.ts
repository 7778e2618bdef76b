import { KeyfoldModule } from '@keyfold/nest'
import { Module } from '@nestjs/common'
import { PaymentProcess } from './payment-process.ts'
import { Payment } from './payment.ts'
import { PaymentsController } from './payments.controller.ts'
import { Payments } from './payments.projector.ts'

@Module({
  imports: [KeyfoldModule.forFeature({ aggregates: [Payment], projectors: [Payments] })],
  controllers: [PaymentsController],
  providers: [PaymentProcess],
})
export class PaymentsModule {}
