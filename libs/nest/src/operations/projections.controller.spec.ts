import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProjectionContext } from '@keyfold/eventsourcing'
import type { SqliteTransaction } from '@keyfold/projections'
import { Body, Controller, Get, HttpCode, Inject, type INestApplication, Module, Param, Post } from '@nestjs/common'
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandBus } from '../command-bus.ts'
import { On, Projector } from '../decorators/projector.decorator.ts'
import { KeyfoldModule } from '../keyfold.module.ts'
import { InjectReadModel, type ReadModel } from '../read-model.ts'
import { KeyfoldPositionInterceptor } from '../reads/position.interceptor.ts'
import { ReadsFrom } from '../reads/reads-from.decorator.ts'
import { Cup, Fill, Filled } from '../testdata/tea.ts'
import { KeyfoldOperationsModule } from './operations.module.ts'
import type { ProjectionReport } from './projection-report.ts'

/** A machine may have much else to do. */
const PATIENCE = { timeout: 15_000 }

/** Cups that the projector cannot apply. */
const broken = new Set<string>()

@Projector({ name: 'volumes', version: 1, from: [Cup] })
class Volumes {
  setup(tx: SqliteTransaction) {
    tx.exec('CREATE TABLE volumes (cup_id TEXT PRIMARY KEY, ml INTEGER NOT NULL) STRICT')
  }

  @On(Filled)
  filled({ ml }: Filled, { tx, key }: ProjectionContext<SqliteTransaction>) {
    if (broken.has(key)) throw new Error(`${key} is broken`)
    tx.run('INSERT INTO volumes VALUES (?, ?) ON CONFLICT DO UPDATE SET ml = ml + excluded.ml', key, ml)
  }
}

@Controller('cups')
class Cups {
  readonly #bus: CommandBus
  readonly #volumes: ReadModel

  constructor(@Inject(CommandBus) bus: CommandBus, @InjectReadModel(Volumes) volumes: ReadModel) {
    this.#bus = bus
    this.#volumes = volumes
  }

  @Post(':id')
  @HttpCode(200)
  @ReadsFrom([Volumes])
  async fill(@Param('id') cupId: string, @Body() { ml }: { ml: number }) {
    const { version } = await this.#bus.execute(new Fill({ cupId, ml }))
    return { version }
  }

  @Get(':id')
  @ReadsFrom([Volumes])
  show(@Param('id') cupId: string) {
    return this.#volumes.get('SELECT ml FROM volumes WHERE cup_id = ?', cupId) ?? { ml: 0 }
  }
}

let app: INestApplication
let url: string
let dataDirectory: string

beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'keyfold-operations-'))
  const keyfold = KeyfoldModule.forRoot({
    application: 'tea',
    dataDirectory,
    bundledBroker: { port: 0 },
    bundledRegistry: { port: 0 },
  })
  class Tea {}
  Module({
    imports: [
      keyfold,
      KeyfoldModule.forFeature({ aggregates: [Cup], projectors: [Volumes] }),
      KeyfoldOperationsModule.forRoot(),
    ],
    controllers: [Cups],
    providers: [{ provide: APP_INTERCEPTOR, useClass: KeyfoldPositionInterceptor }],
  })(Tea)
  app = await NestFactory.create(Tea, new FastifyAdapter(), { logger: false })
  await app.listen(0, '127.0.0.1')
  url = await app.getUrl()
})

afterAll(async () => {
  await app.close()
  await rm(dataDirectory, { recursive: true })
})

async function post(path: string, body: object = {}, headers: Record<string, string> = {}): Promise<Response> {
  const all = { 'content-type': 'application/json', ...headers }
  return await fetch(`${url}${path}`, { method: 'POST', headers: all, body: JSON.stringify(body) })
}

async function report(): Promise<ProjectionReport> {
  const [only] = (await (await fetch(`${url}/keyfold/projections`)).json()) as ProjectionReport[]
  if (only === undefined) throw new Error('there is no projector')
  return only
}

describe('reading your own writes over HTTP', () => {
  it('an answer says where its events lie, and a read that would wait shows them', async () => {
    const written = await post('/cups/green', { ml: 100 }, { prefer: 'wait=10' })
    const position = written.headers.get('keyfold-position') ?? ''
    expect(position).toMatch(/^tea\.cup\/\d@\d+$/)
    expect(written.headers.get('preference-applied')).toBe('wait=10')
    expect(written.headers.get('keyfold-visible')).toBe('yes')
    const read = await fetch(`${url}/cups/green`, { headers: { prefer: 'wait=10', 'keyfold-position': position } })
    expect(await read.json()).toEqual({ ml: 100 })
    expect(read.headers.get('keyfold-visible')).toBe('yes')
    expect(read.headers.get('keyfold-position')).toBe(position)
  })

  it('a wait that runs out is no error, and says so', async () => {
    const headers = { prefer: 'wait=0', 'keyfold-position': 'tea.cup/0@1000000' }
    const read = await fetch(`${url}/cups/green`, { headers })
    expect(read.status).toBe(200)
    expect(read.headers.get('keyfold-visible')).toBe('no')
  })

  it('waits for nothing unless it is asked to, nor for topics that are not read', async () => {
    const plain = await fetch(`${url}/cups/green`, { headers: { 'keyfold-position': 'tea.cup/0@1000000' } })
    expect(plain.headers.get('keyfold-visible')).toBeNull()
    const headers = { prefer: 'wait=10', 'keyfold-position': 'other/0@1000000' }
    const other = await fetch(`${url}/cups/green`, { headers })
    expect(other.headers.get('keyfold-visible')).toBe('yes')
  })
})

describe('/keyfold/projections', () => {
  it('tells state and lag', async () => {
    await post('/cups/black', { ml: 10 }, { prefer: 'wait=10' })
    await expect
      .poll(report, PATIENCE)
      .toMatchObject({ projector: 'volumes', state: 'live', lag: 0, lagSeconds: 0, parked: 0 })
  })

  it('rebuilds, with progress as lines of JSON', async () => {
    const answer = await post('/keyfold/projections/volumes/rebuild', { eventsPerSecondMax: 1_000_000 })
    expect(answer.headers.get('content-type')).toContain('application/x-ndjson')
    const lines = (await answer.text()).trim().split('\n')
    const parsed = lines.map(
      (line) => JSON.parse(line) as { progress?: object; done?: { verified: { equal: unknown } } },
    )
    expect(parsed.at(-1)?.done?.verified.equal).toBe(true)
    expect(parsed[0]?.progress).toMatchObject({ projector: 'volumes', phase: 'replaying' })
    expect(await report()).toMatchObject({ generation: 2 })
    const back = await (await post('/keyfold/projections/volumes/roll-back')).text()
    expect(back).toContain('"done"')
    expect(await report()).toMatchObject({ generation: 1 })
    expect(await (await post('/keyfold/projections/volumes/drop-old')).json()).toEqual({ dropped: 1 })
  })

  it('pauses and resumes', async () => {
    expect(await (await post('/keyfold/projections/volumes/pause')).json()).toMatchObject({ state: 'paused' })
    await post('/cups/white', { ml: 5 })
    expect(await (await post('/keyfold/projections/volumes/resume')).json()).toMatchObject({ projector: 'volumes' })
    await expect.poll(report, PATIENCE).toMatchObject({ state: 'live', lag: 0 })
  })

  it('shows, retries and drops what is parked', async () => {
    broken.add('mug')
    for (const ml of [1, 2, 3]) await post('/cups/mug', { ml })
    await expect.poll(async () => (await report()).parked, PATIENCE).toBe(3)
    const parked = (await (await fetch(`${url}/keyfold/projections/volumes/parked`)).json()) as { offset: number }[]
    expect(parked[0]).toMatchObject({ key: 'mug', topic: 'tea.cup', error: expect.stringContaining('mug is broken') })
    const retried = await (await post('/keyfold/projections/volumes/parked/retry', { key: 'mug' })).json()
    expect(retried).toMatchObject({ applied: 0, left: 3 })
    const withoutReason = await post('/keyfold/projections/volumes/parked/drop', { key: 'mug' })
    expect(withoutReason.status).toBe(400)
    const place = parked[0]
    const dropped = await post('/keyfold/projections/volumes/parked/drop', { place, reason: 'spilt' })
    expect(await dropped.json()).toEqual({ dropped: 1 })
    broken.clear()
    expect(await (await post('/keyfold/projections/volumes/parked/retry')).json()).toMatchObject({
      applied: 2,
      left: 0,
    })
    expect(await (await fetch(`${url}/cups/mug`)).json()).toEqual({ ml: 5 })
  })

  it('tries an event on rows of their own, and says where a handler failed', async () => {
    const written = await post('/cups/glass', { ml: 7 }, { prefer: 'wait=10' })
    const [, partition, offset] = /^tea\.cup\/(\d+)@(\d+)$/.exec(written.headers.get('keyfold-position') ?? '') ?? []
    const range = { partition: Number(partition), from: Number(offset), to: Number(offset) + 1, warmUp: true }
    const debug = async () =>
      (await (await post('/keyfold/projections/volumes/debug', range)).json()) as { events: { error: unknown }[] }
    expect((await debug()).events).toMatchObject([
      {
        topic: 'tea.cup',
        offset: Number(offset),
        key: 'glass',
        outcome: 'applied',
        error: null,
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        handled: [{ type: 'tea.Filled', data: { ml: 7 } }],
        rows: [{ table: 'volumes', key: { cup_id: 'glass' }, before: null, after: { cup_id: 'glass', ml: 7 } }],
      },
    ])
    broken.add('glass')
    const [failed] = (await debug()).events
    broken.clear()
    expect(failed).toMatchObject({ outcome: 'failed', consequence: 'park', rows: [] })
    expect(failed?.error).toMatchObject({
      code: 'HANDLER_FAILED',
      message: expect.stringContaining('glass is broken'),
      stack: expect.stringContaining('projections.controller.spec'),
    })
    expect(await (await fetch(`${url}/cups/glass`)).json()).toEqual({ ml: 7 })
    expect(await report()).toMatchObject({ state: 'live', parked: 0 })
  })

  it.each([
    ['/keyfold/projections/nothing/debug', {}, 404, 'PROJECTOR_UNKNOWN'],
    ['/keyfold/projections/volumes/debug', { partition: 'one' }, 400, 'REQUEST_INVALID'],
    ['/keyfold/projections/volumes/debug', { warmUp: 1 }, 400, 'REQUEST_INVALID'],
    ['/keyfold/projections/volumes/debug', { partition: 99 }, 400, 'DEBUG_RANGE_INVALID'],
    ['/keyfold/projections/volumes/debug', { topic: 'other' }, 400, 'TOPIC_NOT_READ'],
    ['/keyfold/projections/nothing/pause', {}, 404, 'PROJECTOR_UNKNOWN'],
    ['/keyfold/projections/volumes/swap', {}, 409, 'REBUILD_MISSING'],
    ['/keyfold/projections/volumes/rebuild', { eventsPerSecondMax: 'fast' }, 400, 'REQUEST_INVALID'],
    ['/keyfold/projections/volumes/rebuild', { switch: 'now' }, 400, 'REQUEST_INVALID'],
    ['/keyfold/projections/volumes/parked/drop', { reason: 'x' }, 400, 'REQUEST_INVALID'],
  ])('%s with %j is answered with a problem', async (path, body, status, code) => {
    const answer = await post(path, body)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect({ status: answer.status, ...((await answer.json()) as object) }).toMatchObject({ status, code })
  })

  it('lets in callers of this machine only, and none through a proxy', async () => {
    const answer = await fetch(`${url}/keyfold/projections`, { headers: { 'x-forwarded-for': '10.0.0.1' } })
    expect(answer.status).toBe(403)
  })
})
