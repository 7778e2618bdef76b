import { KeyfoldRuntime } from '@keyfold/nest'
import { Controller, Get, Inject, Query } from '@nestjs/common'
import { z } from 'zod'
import { describeEvent } from './event-description.ts'

const eventsQuery = z.object({
  topic: z.enum(['bank.account', 'bank.payment']).default('bank.account'),
  limit: z.coerce.number().int().min(1).max(1000).default(20),
})

/** The newest events of a topic as they are stored. */
@Controller('events')
export class EventsController {
  readonly #runtime: KeyfoldRuntime

  constructor(@Inject(KeyfoldRuntime) runtime: KeyfoldRuntime) {
    this.#runtime = runtime
  }

  @Get()
  async newest(@Query({ schema: eventsQuery }) { topic, limit }: z.infer<typeof eventsQuery>) {
    const events = await this.#runtime.eventStore.readEvents({ topic, limit })
    return events.map(describeEvent)
  }
}
