import { type ProjectionContext } from '@keyfold/eventsourcing'
import { HEADERS } from '@keyfold/event-store'
import { Body, Controller, Inject, Module, Param, Post } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { describe, expect, it } from 'vitest'
import { CommandBus } from '../command-bus.ts'
import { On, Projector } from '../decorators/projector.decorator.ts'
import { KeyfoldModule } from '../keyfold.module.ts'
import { KeyfoldRuntime } from '../keyfold-runtime.ts'
import { Cup, Fill, Filled } from '../testdata/tea.ts'
import { startTestApp } from '../testing/index.ts'
import { KeyfoldContext } from './keyfold-context.ts'
import { contextOfEvent, contextOfHttp, type RequestContext, withContext } from './request-context.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

@Projector({ name: 'actors', version: 1, from: [Cup] })
class Actors {
  readonly seen: RequestContext[] = []
  readonly #context: KeyfoldContext

  constructor(@Inject(KeyfoldContext) context: KeyfoldContext) {
    this.#context = context
  }

  @On(Filled)
  filled(_event: Filled, _context: ProjectionContext) {
    this.seen.push(this.#context.current)
  }
}

@Controller('cups')
class CupsController {
  readonly #bus: CommandBus

  constructor(@Inject(CommandBus) bus: CommandBus) {
    this.#bus = bus
  }

  @Post(':id')
  async fill(@Param('id') cupId: string, @Body() { ml }: { readonly ml: number }) {
    const { commandId } = await this.#bus.execute(new Fill({ cupId, ml }))
    return { commandId }
  }
}

@Module({
  imports: [KeyfoldModule.forRoot(), KeyfoldModule.forFeature({ aggregates: [Cup], projectors: [Actors] })],
  controllers: [CupsController],
})
class TeaModule {}

const adapters = { Express: () => new ExpressAdapter(), Fastify: () => new FastifyAdapter() } as const

describe.each(['Express', 'Fastify'] as const)('the context of a request on %s', (name) => {
  it('is carried by the events of its commands, and is there again when they are projected', async () => {
    // The adapters differ in their request types only.
    const create = () => NestFactory.create(TeaModule, adapters[name]() as ExpressAdapter, { logger: false })
    const tea = await startTestApp(TeaModule, { create })
    await tea.app.listen(0, '127.0.0.1')
    const said = { 'x-correlation-id': 'order-7', 'x-tenant-id': 'north', traceparent }
    const post = async (headers: Record<string, string>) => {
      const body = JSON.stringify({ ml: 5 })
      const all = { 'content-type': 'application/json', ...headers }
      await fetch(`${await tea.app.getUrl()}/cups/green`, { method: 'POST', headers: all, body })
    }
    await post(said)
    await post({ 'x-correlation-id': 'two words' })
    await tea.caughtUp()
    const [first, second] = await tea.get(KeyfoldRuntime).eventStore.readEvents({ topic: 'tea.cup', key: 'green' })
    expect(first?.headers).toMatchObject({
      [HEADERS.correlationId]: 'order-7',
      ce_tenant: 'north',
      ce_traceparent: traceparent,
    })
    expect(second?.headers[HEADERS.correlationId]).toMatch(/^[0-9a-f-]{36}$/)
    const causationId = first?.headers[HEADERS.id]
    expect(tea.get(Actors).seen[0]).toEqual({ correlationId: 'order-7', tenant: 'north', traceparent, causationId })
    await tea.close()
  })
})

describe('contexts', () => {
  it('of commands: the options go before what surrounds them', () => {
    const context = { correlationId: 'c', causationId: 'e', actor: 'ann', tenant: 't' }
    expect(
      withContext({ commandId: 'x', correlationId: 'mine', extensions: { actor: 'bob' } }, context, () => ''),
    ).toEqual({ commandId: 'x', correlationId: 'mine', causationId: 'e', extensions: { actor: 'bob', tenant: 't' } })
    expect(withContext({}, {}, () => 'new')).toEqual({ correlationId: 'new', extensions: {} })
  })

  it('of HTTP requests: what cannot be used is passed over', () => {
    expect(contextOfHttp({ 'x-correlation-id': ['a', 'b'], traceparent: '00-0-0-01', 'x-tenant-id': 'ä' })).toEqual({})
    expect(contextOfHttp({ 'x-request-id': 'r' }, { correlationId: 'X-Request-Id' })).toEqual({ correlationId: 'r' })
    expect(contextOfHttp({ traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` })).toEqual({})
  })

  it('of events: the event is what causes whatever comes of it', () => {
    const headers = { ce_id: 'e-1', ce_causationid: 'e-0', ce_correlationid: 'c', ce_actor: 'ann', ce_tenant: 't' }
    expect(contextOfEvent(headers)).toEqual({ correlationId: 'c', causationId: 'e-1', actor: 'ann', tenant: 't' })
  })

  it('nest, and reach what is started within them', async () => {
    const context = new KeyfoldContext()
    expect(context.current).toEqual({})
    await context.run({ actor: 'ann', tenant: 't' }, async () => {
      await Promise.resolve()
      context.with({ actor: 'bob' }, () => expect(context.current).toEqual({ actor: 'bob', tenant: 't' }))
      expect(context.actor).toBe('ann')
    })
    expect(context.actor).toBeUndefined()
  })
})
