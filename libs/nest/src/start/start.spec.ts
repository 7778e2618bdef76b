import { aggregate, applies, defineCommand, type DescribedClass, handles, projector } from '@keyfold/eventsourcing'
import { InMemoryKafka } from '@keyfold/testing'
import { Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Closers } from '../closers.ts'
import { CommandBus } from '../command-bus.ts'
import { Aggregate, Applies, Handles } from '../decorators/aggregate.decorator.ts'
import { On, Projector } from '../decorators/projector.decorator.ts'
import { KeyfoldHealthIndicator } from '../health.ts'
import { KeyfoldAggregates } from '../keyfold-aggregates.ts'
import { KeyfoldModule, type KeyfoldFeatureOptions } from '../keyfold.module.ts'
import { KeyfoldRuntime } from '../keyfold-runtime.ts'
import { Cup, Fill, Filled, Volumes } from '../testdata/tea.ts'
import { startTestApp } from '../testing/index.ts'

class Unhandled extends defineCommand<{ id: string }>({ name: 'tea.Unhandled', key: 'id' }) {}

@Aggregate({ name: 'mute', topic: 'tea.mute' })
class Mute {
  @Handles(Unhandled)
  nothing() {
    return undefined
  }
}

@Aggregate({ name: 'still', topic: 'tea.still' })
class Still {
  @Applies(Filled)
  filled() {}
}

@Projector({ name: 'deaf', version: 1, from: [Cup] })
class Deaf {}

@Projector({ name: 'stranger', version: 1, from: [Mute] })
class Stranger {
  @On(Filled)
  filled() {}
}

const bank = (name: string) =>
  projector({ name, version: 1, from: ['tea.cup'], store: 'sqlite', setup: () => {}, on: [] })

describe('an application does not start', () => {
  const refused: [string, KeyfoldFeatureOptions, string, RegExp][] = [
    [
      'with a command that nobody handles',
      { aggregates: [Cup], commands: [Unhandled] },
      'COMMAND_UNHANDLED',
      /handled: tea\.Fill$/,
    ],
    ['with an aggregate without commands', { aggregates: [Still] }, 'HANDLERS_MISSING', /still handles no command/],
    [
      'with an aggregate without events',
      { aggregates: [Mute] },
      'HANDLERS_MISSING',
      /mute has no events.*tea\.Unhandled$/,
    ],
    [
      'with a projector without events',
      { aggregates: [Cup], projectors: [Deaf] },
      'HANDLERS_MISSING',
      /deaf has no method with @On/,
    ],
    [
      'with a projector of events that are not there',
      { aggregates: [Cup, emitting()], projectors: [Stranger] },
      'EVENT_NOT_EMITTED',
      /stranger listens to tea\.Filled, which is no event of mute; there are no their events|their events: /,
    ],
    [
      'with two projectors of one name',
      { projectors: [bank('a'), bank('a')] },
      'NAME_TAKEN',
      /two projectors are called a; projectors: a$/,
    ],
  ]
  it.each(refused)('%s', async (_what, feature, code, message) => {
    @Module({ imports: [KeyfoldModule.forRoot({ kafka: new InMemoryKafka() }), KeyfoldModule.forFeature(feature)] })
    class Refused {}
    const starting = NestFactory.createApplicationContext(Refused, { logger: false, abortOnError: false })
    await expect(starting).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('without its cluster, and names it, how often it tried, and what to do', async () => {
    const connection = { attempts: 2, delayMs: 1, timeoutMs: 500 }
    @Module({ imports: [KeyfoldModule.forRoot({ brokers: ['127.0.0.1:1'], connection })] })
    class Lonely {}
    const starting = NestFactory.createApplicationContext(Lonely, { logger: false, abortOnError: false })
    const error: unknown = await starting.catch((caught: unknown) => caught)
    expect(String(error)).toMatch(
      /^KAFKA_UNREACHABLE: no Kafka at 127\.0\.0\.1:1, tried 2 times: .*Fix: start the cluster/s,
    )
  })
})

/** Another aggregate, under the name of the mute one, whose events are others. */
function emitting(): DescribedClass {
  const Other = aggregate({
    name: 'mute',
    topic: 'tea.mute',
    initialState: () => ({}),
    decide: [handles(Unhandled, () => undefined)],
    evolve: [applies(otherEvent(), (state: object) => state)],
  })
  return Other as unknown as DescribedClass
}

function otherEvent() {
  const schema = { type: 'record', name: 'Boiled', namespace: 'tea', fields: [] }
  return { ...Filled, eventName: 'tea.Boiled', versions: [{ version: 1, schema }] } as unknown as typeof Filled
}

describe('an application', () => {
  it('starts without its cluster where it is told not to wait, and is not ready', async () => {
    const connection = { wait: false, attempts: 1, delayMs: 5, timeoutMs: 200 }
    @Module({ imports: [KeyfoldModule.forRoot({ brokers: ['127.0.0.1:1'], connection })] })
    class Early {}
    const app = await NestFactory.createApplicationContext(Early, { logger: false, abortOnError: false })
    const health = app.get(KeyfoldHealthIndicator)
    expect(health.startup()).toMatchObject({ keyfold: { status: 'down' } })
    expect(health.live()).toEqual({ keyfold: { status: 'up' } })
    expect((await health.ready())['keyfold']?.status).toBe('down')
    const bus = app.get(CommandBus)
    await expect(bus.execute(new Fill({ cupId: 'a', ml: 1 }))).rejects.toMatchObject({ code: 'NOT_STARTED' })
    await app.close()
  })

  it('leaves nothing behind that would try again when it ends without its cluster', async () => {
    onTestFinished(() => void vi.restoreAllMocks())
    const set = vi.spyOn(globalThis, 'setTimeout')
    const cleared = vi.spyOn(globalThis, 'clearTimeout')
    const delayMs = 3_600_000
    const connection = { wait: false, attempts: 1, delayMs, timeoutMs: 200 }
    @Module({ imports: [KeyfoldModule.forRoot({ brokers: ['127.0.0.1:1'], connection })] })
    class Early {}
    const app = await NestFactory.createApplicationContext(Early, { logger: false, abortOnError: false })
    const timers = (): readonly unknown[] =>
      set.mock.results.filter((_, call) => set.mock.calls[call]?.[1] === delayMs).map(({ value }) => value)
    await expect.poll(timers, { timeout: 10_000 }).toHaveLength(1)
    await app.close()
    expect(cleared.mock.calls.flat()).toEqual(expect.arrayContaining([...timers()]))
  })

  it('starts when it says so', async () => {
    @Module({ imports: [KeyfoldModule.forRoot({ start: 'manual' }), KeyfoldModule.forFeature({ aggregates: [Cup] })] })
    class Late {}
    const tea = await startTestApp(Late)
    await expect(tea.execute(new Fill({ cupId: 'a', ml: 1 }))).rejects.toMatchObject({ code: 'NOT_STARTED' })
    await tea.get(KeyfoldRuntime).start()
    expect(await tea.execute(new Fill({ cupId: 'a', ml: 1 }))).toMatchObject({ version: 1 })
    await tea.close()
  })

  it('takes its options from a class, a provider or a value', async () => {
    @Injectable()
    class Options {
      createKeyfoldOptions() {
        return { application: 'made', telemetry: 'none' as const }
      }
    }
    @Module({ providers: [Options], exports: [Options] })
    class OptionsModule {}
    const ways = [
      KeyfoldModule.forRootAsync({ useClass: Options }),
      KeyfoldModule.forRootAsync({ useExisting: Options, imports: [OptionsModule] }),
      KeyfoldModule.forRootAsync({ useValue: { application: 'made' } }),
      KeyfoldModule.forRootAsync({
        useFactory: (made: Options) => made.createKeyfoldOptions(),
        inject: [Options],
        imports: [OptionsModule],
      }),
    ]
    for (const root of ways) {
      @Module({ imports: [root] })
      class Asked {}
      const tea = await startTestApp(Asked, { keyfold: { start: 'manual' } })
      expect(tea.get(KeyfoldRuntime).options.application).toBe('made')
      await tea.close()
    }
  })

  it('finds projectors that are providers, however they are provided', async () => {
    class Quiet extends Volumes {}
    @Module({
      imports: [KeyfoldModule.forRoot(), KeyfoldModule.forFeature({ aggregates: [Cup] })],
      providers: [Quiet, { provide: 'volumes', useFactory: () => new Volumes() }],
    })
    class Found {}
    const tea = await startTestApp(Found)
    expect(
      tea
        .get(KeyfoldRuntime)
        .projections.status()
        .map(({ projector: name }) => name),
    ).toEqual(['volumes'])
    await tea.close()
  })

  it('is ready when its read models have caught up, and not while it stops', async () => {
    const feature = KeyfoldModule.forFeature({ aggregates: [Cup], projectors: [Volumes] })
    @Module({ imports: [KeyfoldModule.forRoot(), feature] })
    class Tea {}
    const tea = await startTestApp(Tea)
    await tea.execute(new Fill({ cupId: 'a', ml: 1 }))
    await tea.caughtUp()
    const health = tea.get(KeyfoldHealthIndicator)
    expect(health.startup('s')).toEqual({ s: { status: 'up' } })
    await expect.poll(() => health.ready(), { timeout: 15_000 }).toEqual({ keyfold: { status: 'up' } })
    expect(health.projectorLag(0)).toEqual({
      projectors: { status: 'up', maxRecords: 0, projectors: { volumes: { state: 'live', lagRecords: 0 } } },
    })
    const runtime = tea.get(KeyfoldRuntime)
    await runtime.beforeApplicationShutdown()
    expect(await health.ready()).toEqual({ keyfold: { status: 'down', reasons: ['is stopping'] } })
    // HTTP still answers: queries and commands work until it has stopped.
    expect(
      runtime.projections.read<{ all(sql: string): unknown[] }>('volumes').all('SELECT * FROM volumes'),
    ).toHaveLength(1)
    expect(await tea.execute(new Fill({ cupId: 'a', ml: 1 }))).toMatchObject({ version: 2 })
    await tea.close()
  })

  it('with the role none only looks: nothing is claimed or made', async () => {
    const feature = KeyfoldModule.forFeature({ aggregates: [Cup], projectors: [Volumes] })
    @Module({ imports: [KeyfoldModule.forRoot(), feature] })
    class Tea {}
    const tea = await startTestApp(Tea)
    await tea.execute(new Fill({ cupId: 'a', ml: 100 }))
    const { brokers, registryUrl } = tea.get(KeyfoldRuntime).addresses
    @Module({ imports: [KeyfoldModule.forRoot({ role: 'none', brokers, schemaRegistryUrl: registryUrl }), feature] })
    class Looking {}
    const looking = await NestFactory.createApplicationContext(Looking, { logger: false, abortOnError: false })
    const aggregates = looking.get(KeyfoldAggregates)
    expect(await aggregates.show(Cup, 'a')).toMatchObject({ version: 1, state: { ml: 100 } })
    expect(await aggregates.dryRun(new Fill({ cupId: 'a', ml: 200 }))).toMatchObject({ kind: 'rejected' })
    expect(() => looking.get(KeyfoldRuntime).eventStore).toThrow('the role none has no event store')
    await looking.close()
    expect(await tea.execute(new Fill({ cupId: 'a', ml: 1 }))).toMatchObject({ version: 2 })
    await tea.close()
  })
})

describe('a shutdown', () => {
  it('goes in reverse, and past what hangs or fails', async () => {
    const ended: string[] = []
    const closers = new Closers(5, (level, message) => ended.push(`${level}: ${message}`))
    closers.add('a', 'base', async () => void ended.push('a'))
    closers.add('b', 'base', () => Promise.reject(new Error('broken')))
    closers.add('c', 'workers', () => new Promise(() => {}))
    await closers.close('workers')
    expect(ended).toEqual(['warn: c did not stop within 5 ms; the rest is stopped'])
    await closers.close('all')
    expect(ended.slice(1)).toEqual(['error: b did not stop cleanly', 'a'])
  })
})
