import { context, metrics, SpanKind, trace } from '@opentelemetry/api'
import type { ProjectionContext } from '@keyfold/eventsourcing'
import { Module } from '@nestjs/common'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KeyfoldContext } from '../context/keyfold-context.ts'
import { KeyfoldModule } from '../keyfold.module.ts'
import { KeyfoldRuntime } from '../keyfold-runtime.ts'
import { Cup, Fill, Volumes } from '../testdata/tea.ts'
import { MemoryTelemetry } from '../testdata/telemetry-provider.ts'
import { startTestApp, type TestApp } from '../testing/index.ts'
import { loadTelemetry } from './telemetry.ts'
import { formatTraceparent, parseTraceparent } from './traceparent.ts'

const feature = KeyfoldModule.forFeature({ aggregates: [Cup], projectors: [Volumes] })

@Module({ imports: [KeyfoldModule.forRoot(), feature] })
class TeaModule {}

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('an application with OpenTelemetry', () => {
  const memory = new MemoryTelemetry()
  let tea: TestApp
  beforeAll(async () => {
    trace.setGlobalTracerProvider(memory.tracers)
    metrics.setGlobalMeterProvider(memory.meters)
    context.setGlobalContextManager(memory.contexts)
    tea = await startTestApp(TeaModule)
  })
  afterAll(async () => {
    await tea.close()
    trace.disable()
    metrics.disable()
    context.disable()
  })

  it('has a span for a command, within the trace of the request, and one for each projector that applies its event', async () => {
    await tea.get(KeyfoldContext).run({ traceparent }, () => tea.execute(new Fill({ cupId: 'green', ml: 100 })))
    await tea.caughtUp()
    const send = memory.spans.find(({ name }) => name === 'send tea.cup')
    expect(send).toMatchObject({
      options: { kind: SpanKind.PRODUCER },
      parent: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' },
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.name': 'send',
        'messaging.destination.name': 'tea.cup',
        'keyfold.command.name': 'tea.Fill',
        'keyfold.command.outcome': 'committed',
        'messaging.kafka.offset': 0,
      },
      errors: [],
      ended: true,
    })
    const [event] = await tea.get(KeyfoldRuntime).eventStore.readEvents({ topic: 'tea.cup', key: 'green' })
    expect(event?.headers['ce_traceparent']).toBe(`00-${send?.context.traceId}-${send?.context.spanId}-01`)
    expect(memory.spans.find(({ name }) => name === 'process tea.cup')).toMatchObject({
      options: { kind: SpanKind.CONSUMER, links: [{ context: { spanId: send?.context.spanId, isRemote: true } }] },
      parent: undefined,
      attributes: { 'keyfold.projector.name': 'volumes', 'messaging.kafka.message.key': 'green' },
      ended: true,
    })
  })

  it('counts commands by outcome, conflicts and repeats, and says what failed', async () => {
    const first = new Fill({ cupId: 'black', ml: 200 })
    await tea.tryExecute(first, { commandId: 'once' })
    await tea.tryExecute(first, { commandId: 'once' })
    await tea.tryExecute(first)
    await tea.tryExecute(first, { expectedVersion: 7 })
    const values = (name: string) => memory.metrics.get(name) ?? []
    const outcomes = values('keyfold.commands').map(({ attributes }) => attributes['keyfold.command.outcome'])
    expect(outcomes.slice(-4)).toEqual(['committed', 'committed', 'rejected', 'failed'])
    expect(values('keyfold.command.duplicates')).toHaveLength(1)
    expect(values('keyfold.command.conflicts')).toHaveLength(1)
    expect(values('messaging.client.sent.messages').at(-1)).toMatchObject({ value: 1 })
    expect(values('keyfold.command.duration')).toHaveLength(outcomes.length)
    expect(memory.spans.at(-1)?.attributes['error.type']).toBe('EXPECTED_VERSION_CONFLICT')
    expect(memory.spans.at(-1)?.errors).toHaveLength(1)
  })

  it('measures what the writers do, and how far projectors are behind', async () => {
    await tea.caughtUp()
    memory.collect()
    expect(memory.metrics.get('keyfold.partition.claims')).toHaveLength(4)
    expect(memory.metrics.has('keyfold.partition.takeovers')).toBe(false)
    expect(memory.metrics.get('keyfold.batch.commands')?.[0]).toMatchObject({ value: 1 })
    expect(memory.metrics.get('keyfold.batch.events')?.[0]).toMatchObject({ value: 1 })
    const lag = memory.metrics.get('keyfold.projector.lag') ?? []
    expect(lag.map(({ value }) => value)).toEqual([0, 0, 0, 0])
    expect(lag[0]?.attributes).toMatchObject({ 'keyfold.projector.name': 'volumes' })
    expect(memory.metrics.get('keyfold.projector.parked')).toHaveLength(4)
  })
})

describe('telemetry', () => {
  it('is nothing where the package is not installed, and breaks where it is broken', async () => {
    const missing = Object.assign(new Error("Cannot find package '@opentelemetry/api'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    })
    expect(await loadTelemetry(() => Promise.reject(missing))).toBeUndefined()
    await expect(loadTelemetry(() => Promise.reject(new SyntaxError('broken')))).rejects.toThrow('broken')
  })

  it('without an SDK leaves the trace context of the request as it is', async () => {
    const telemetry = await loadTelemetry()
    const sent = { command: 'a', aggregate: 'b', topic: 'c' }
    const outcome = {
      kind: 'committed',
      version: 0,
      position: null,
      events: [],
      duplicate: false,
      commandId: 'x',
    } as const
    const carried: unknown[] = []
    await telemetry?.sending(sent, traceparent, async (given) => (carried.push(given), outcome))
    await telemetry?.sending(sent, undefined, async (given) => (carried.push(given), outcome))
    expect(carried).toEqual([traceparent, undefined])
  })

  it('looks at nothing of an event while nobody looks at it, and sees an SDK that comes late', async () => {
    const telemetry = await loadTelemetry()
    const looked: string[] = []
    const facts = { topic: 't', partition: 0, offset: 7, key: 'k', headers: { ce_traceparent: traceparent } }
    const event = new Proxy(facts as unknown as ProjectionContext, {
      get: (target, name, receiver) => (looked.push(String(name)), Reflect.get(target, name, receiver) as unknown),
    })
    let handled = 0
    const handle = () => void handled++
    telemetry?.observe(() => [])
    await telemetry?.processing('p', event, handle)
    expect([handled, looked]).toEqual([1, []])

    const late = new MemoryTelemetry()
    trace.setGlobalTracerProvider(late.tracers)
    metrics.setGlobalMeterProvider(late.meters)
    try {
      await telemetry?.processing('p', event, handle)
      expect(handled).toBe(2)
      expect(late.spans).toMatchObject([{ name: 'process t', ended: true, options: { links: [{}] } }])
      expect(late.metrics.get('messaging.client.consumed.messages')).toHaveLength(1)
    } finally {
      trace.disable()
      metrics.disable()
    }
  })

  it('reads and writes traceparent', () => {
    const parsed = parseTraceparent(traceparent)
    expect(parsed && formatTraceparent(parsed)).toBe(traceparent)
    expect(parseTraceparent('nonsense')).toBeUndefined()
    expect(formatTraceparent({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 })).toBeUndefined()
  })
})
