import { KeyfoldHealthIndicator } from '@keyfold/nest'
import { Controller, Get, Inject, Module, ServiceUnavailableException } from '@nestjs/common'
import { EventsController } from './events.controller.ts'

@Controller('health')
class HealthController {
  readonly #indicator: KeyfoldHealthIndicator

  constructor(@Inject(KeyfoldHealthIndicator) indicator: KeyfoldHealthIndicator) {
    this.#indicator = indicator
  }

  @Get()
  check() {
    const health = this.#indicator.check()
    if (health.status === 'down') throw new ServiceUnavailableException(JSON.stringify(health))
    return health
  }
}

@Module({
  controllers: [EventsController, HealthController],
  providers: [KeyfoldHealthIndicator],
})
export class OperationsModule {}
