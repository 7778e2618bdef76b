import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeyfoldError } from '@keyfold/eventsourcing'
import { type INestApplicationContext, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandBus, CommandRejected } from './command-bus.ts'
import { KeyfoldHealthIndicator } from './health.ts'
import { KeyfoldModule } from './keyfold.module.ts'
import { KeyfoldRuntime } from './keyfold-runtime.ts'
import { InjectReadModel, type ReadModel } from './read-model.ts'
import { Cup, Fill, Filled, Volumes } from './testdata/tea.ts'

class Shelf {
  readonly volumes: ReadModel

  constructor(@InjectReadModel(Volumes) volumes: ReadModel) {
    this.volumes = volumes
  }
}

/** A Nest application of its own on a data directory: the bundled broker and registry on free ports. */
async function startTea(dataDirectory: string): Promise<INestApplicationContext> {
  @Module({
    imports: [
      KeyfoldModule.forRootAsync({
        useFactory: () => ({
          application: 'tea',
          dataDirectory,
          bundledBroker: { port: 0, metricsPort: 0 },
          bundledRegistry: { port: 0 },
        }),
      }),
      KeyfoldModule.forFeature({ aggregates: [Cup], projectors: [Volumes] }),
    ],
    providers: [Shelf, KeyfoldHealthIndicator],
  })
  class TeaModule {}
  return await NestFactory.createApplicationContext(TeaModule, { logger: ['error'], abortOnError: false })
}

describe('a Nest application', { timeout: 30_000 }, () => {
  let dataDirectory: string
  let app: INestApplicationContext
  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'keyfold-nest-'))
    app = await startTea(dataDirectory)
  })
  afterAll(async () => {
    await app.close()
    await rm(dataDirectory, { recursive: true })
  })

  const volumeOf = (cupId: string) =>
    app.get(Shelf).volumes.get<{ ml: number }>('SELECT ml FROM volumes WHERE cup_id = ?', cupId)?.ml

  it('executes commands and waits for the read models that it is told to', async () => {
    const receipt = await app.get(CommandBus).execute(new Fill({ cupId: 'a', ml: 100 }), { waitFor: [Volumes] })
    expect(receipt).toMatchObject({ version: 1, duplicate: false, visible: true, events: [Filled({ ml: 100 })] })
    expect(receipt.position).toMatchObject({ topic: 'tea.cup' })
    expect(volumeOf('a')).toBe(100)
  })

  it('has the metrics of its bundled broker where it was asked for them', async () => {
    const { metricsUrl = '' } = app.get(KeyfoldRuntime).addresses
    expect(await (await fetch(metricsUrl)).text()).toContain('\nkeyfold_broker_ready 1\n')
  })

  it('throws what a command came to, or gives it as a value', async () => {
    const bus = app.get(CommandBus)
    const tooMuch = new Fill({ cupId: 'b', ml: 251 })
    await expect(bus.execute(tooMuch)).rejects.toThrow(CommandRejected)
    expect(await bus.tryExecute(tooMuch)).toMatchObject({ kind: 'rejected', rejection: { code: 'CUP_FULL' } })
    const misfit = bus.execute(new Fill({ cupId: 'b', ml: 1.5 }))
    await expect(misfit).rejects.toThrow(KeyfoldError)
    await expect(misfit).rejects.toMatchObject({ code: 'EVENT_DOES_NOT_FIT' })
    const conflict = bus.execute(new Fill({ cupId: 'b', ml: 1 }), { expectedVersion: 7 })
    await expect(conflict).rejects.toMatchObject({ code: 'EXPECTED_VERSION_CONFLICT' })
  })

  it('reports its health', async () => {
    await app.get(KeyfoldRuntime).projections.caughtUp()
    expect(app.get(KeyfoldHealthIndicator).check()).toMatchObject({
      status: 'up',
      projectors: [{ name: 'volumes', state: 'live', lagRecords: 0 }],
    })
  })

  it('finds everything again after it was closed', async () => {
    const commandId = 'the-same'
    const first = await app.get(CommandBus).execute(new Fill({ cupId: 'c', ml: 50 }), { commandId })
    await app.close()
    app = await startTea(dataDirectory)
    const again = await app.get(CommandBus).execute(new Fill({ cupId: 'c', ml: 50 }), { commandId, waitFor: [Volumes] })
    expect(again).toEqual({ ...first, duplicate: true })
    expect(volumeOf('c')).toBe(50)
  })

  it('refuses the data directory of an application that runs', async () => {
    await expect(startTea(dataDirectory)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_LOCKED' })
  })

  it('runs beside another one in the same process', async () => {
    const otherDirectory = await mkdtemp(join(tmpdir(), 'keyfold-nest-'))
    const other = await startTea(otherDirectory)
    await other.get(CommandBus).execute(new Fill({ cupId: 'a', ml: 1 }), { waitFor: [Volumes] })
    expect(other.get(Shelf).volumes.get('SELECT ml FROM volumes')).toMatchObject({ ml: 1 })
    expect(volumeOf('a')).toBe(100)
    await other.close()
    await rm(otherDirectory, { recursive: true })
  })
})
