import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AnyEventType,
  defineCommand,
  defineEvent,
  type DescribedClass,
  descriptorOf,
  dropped,
  type ProjectionContext,
} from '@keyfold/eventsourcing'
import type { SqliteTransaction } from '@keyfold/projections'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandBus } from './command-bus.ts'
import { Aggregate, Applies, Handles } from './decorators/aggregate.decorator.ts'
import { On, Projector } from './decorators/projector.decorator.ts'
import { Upcast } from './decorators/upcast.decorator.ts'
import { KeyfoldModule } from './keyfold.module.ts'
import { KeyfoldRuntime } from './keyfold-runtime.ts'
import type { ProjectorClass } from './decorators/projector.decorator.ts'

class Pour extends defineCommand<{ cupId: string; event: object }>({ name: 'tea.Pour', key: 'cupId' }) {}

const schema = (name: string, ...fields: readonly object[]) => ({ type: 'record', name, namespace: 'tea', fields })
const ml = { name: 'ml', type: 'int' }
const Rinsed = defineEvent<'tea.Rinsed', object>({
  name: 'tea.Rinsed',
  versions: [{ version: 1, schema: schema('Rinsed') }],
})
const PouredV1 = defineEvent<'tea.Poured', { ml: number }>({
  name: 'tea.Poured',
  versions: [{ version: 1, schema: schema('Poured', ml) }],
})
const Poured = defineEvent<'tea.Poured', { ml: number; tea: string }>({
  name: 'tea.Poured',
  versions: [
    ...PouredV1.versions,
    { version: 2, schema: schema('Poured', ml, { name: 'tea', type: 'string', default: '' }) },
  ],
})
const Spilled = defineEvent<'tea.Spilled', { ml: number }>({
  name: 'tea.Spilled',
  versions: [{ version: 1, schema: schema('Spilled', ml) }],
})
const Mishap = defineEvent<'tea.Mishap', { ml: number }>({
  name: 'tea.Mishap',
  versions: [{ version: 1, schema: schema('Mishap', ml) }],
})

@Aggregate({ name: 'cup', topic: 'tea.cup', emits: [Rinsed, PouredV1, Mishap] })
class FirstCup {
  poured = 0

  @Handles(Pour)
  pour({ event }: Pour) {
    return event as never
  }
}

@Aggregate({ name: 'cup', topic: 'tea.cup', upcasters: [dropped(Rinsed)] })
class Cup {
  readonly tea: string[] = []

  @Handles(Pour)
  pour() {
    return Poured({ ml: 1, tea: this.tea.join() })
  }

  @Applies(Poured)
  poured({ ml, tea }: { ml: number; tea: string }) {
    this.tea.push(`${ml} ${tea}`)
  }

  @Applies(Spilled)
  spilled({ ml }: { ml: number }) {
    this.tea.push(`-${ml}`)
  }

  @Upcast(Poured, { from: 1, to: 2 })
  static named({ ml }: { ml: number }) {
    return { ml, tea: ml > 100 ? 'assam' : 'sencha' }
  }

  @Upcast(Mishap, { into: [Poured, Spilled] })
  static told({ ml }: { ml: number }) {
    return [Poured({ ml, tea: 'chai' }), Spilled({ ml })]
  }
}

@Projector({ name: 'teas', version: 1, from: [Cup] })
class Teas {
  setup(tx: SqliteTransaction) {
    tx.exec('CREATE TABLE teas (version INTEGER, sub INTEGER, what TEXT, PRIMARY KEY (version, sub)) STRICT')
  }

  @On(Poured)
  poured({ tea }: { tea: string }, { tx, version, subIndex }: ProjectionContext<SqliteTransaction>) {
    tx.run('INSERT INTO teas VALUES (?, ?, ?)', version, subIndex, tea)
  }

  @On(Spilled)
  spilled({ ml }: { ml: number }, { tx, version, subIndex }: ProjectionContext<SqliteTransaction>) {
    tx.run('INSERT INTO teas VALUES (?, ?, ?)', version, subIndex, `spilled ${ml}`)
  }
}

async function start(dataDirectory: string, aggregate: DescribedClass, projectors: readonly ProjectorClass[] = []) {
  @Module({
    imports: [
      KeyfoldModule.forRoot({
        application: 'tea',
        dataDirectory,
        bundledBroker: { port: 0 },
        bundledRegistry: { port: 0 },
      }),
      KeyfoldModule.forFeature({ aggregates: [aggregate], projectors }),
    ],
  })
  class TeaModule {}
  return await NestFactory.createApplicationContext(TeaModule, { logger: false, abortOnError: false })
}

describe('@Upcast', () => {
  it('makes upcasters of static methods, typed by the versions', () => {
    const { upcasters } = descriptorOf(Cup, 'aggregate')
    expect(upcasters).toMatchObject([
      { event: 'tea.Rinsed', step: { kind: 'drop' } },
      { event: 'tea.Poured', from: 1, step: { kind: 'map', to: 2 } },
      { event: 'tea.Mishap', from: Number.POSITIVE_INFINITY, step: { kind: 'split', into: [Poured, Spilled] } },
    ])
    expect(descriptorOf(FirstCup, 'aggregate').upcasters).toEqual([])
  })
})

describe('an application whose events have changed', { timeout: 60_000 }, () => {
  let dataDirectory: string
  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'keyfold-evolution-'))
    const app = await start(dataDirectory, FirstCup)
    const events = [PouredV1({ ml: 200 }), Rinsed({}), Mishap({ ml: 5 })]
    for (const event of events) await app.get(CommandBus).execute(new Pour({ cupId: 'c', event }))
    await app.close()
  })
  afterAll(async () => {
    await rm(dataDirectory, { recursive: true })
  })

  it('does not start when its schemas cannot read what is registered, and says what to do', async () => {
    const Broken: AnyEventType = defineEvent({
      name: 'tea.Poured',
      versions: [{ version: 1, schema: schema('Poured', { name: 'ml', type: 'string' }) }],
    })
    @Aggregate({ name: 'cup', topic: 'tea.cup', emits: [Broken, Rinsed, Mishap] })
    class BrokenCup {
      @Handles(Pour)
      pour() {
        return undefined
      }
    }
    const error: unknown = await start(dataDirectory, BrokenCup).catch((caught: unknown) => caught)
    expect(String(error)).toMatch(
      /^GATE_REFUSED: .*tea\.cup-tea\.Poured version 1: Poured\.ml: .*STRING.*\(Keep the type of the field.*\)\. Fix: /,
    )
  })

  it('does not start when it has forgotten what is stored', async () => {
    @Aggregate({ name: 'cup', topic: 'tea.cup', emits: [Poured, Mishap] })
    class ForgetfulCup {
      @Handles(Pour)
      pour() {
        return undefined
      }
    }
    const starting = start(dataDirectory, ForgetfulCup)
    await expect(starting).rejects.toMatchObject({
      code: 'GATE_REFUSED',
      message: expect.stringMatching(/tea\.cup-tea\.Rinsed version 1 at tea\.cup\/\d+\/\d+/),
    })
  })

  it('reads everything through its upcasters, in aggregates and read models alike', async () => {
    const app = await start(dataDirectory, Cup, [Teas])
    const receipt = await app.get(CommandBus).execute(new Pour({ cupId: 'c', event: {} }), { waitFor: [Teas] })
    expect(receipt).toMatchObject({ version: 4, events: [Poured({ ml: 1, tea: '200 assam,5 chai,-5' })] })
    const teas = app.get(KeyfoldRuntime).projections.read<{ all(sql: string): unknown[] }>('teas')
    expect(
      teas.all('SELECT version, sub, what FROM teas ORDER BY version, sub').map((row) => ({ ...(row as object) })),
    ).toEqual([
      { version: 1, sub: 0, what: 'assam' },
      { version: 3, sub: 0, what: 'chai' },
      { version: 3, sub: 1, what: 'spilled 5' },
      { version: 4, sub: 0, what: '200 assam,5 chai,-5' },
    ])
    await app.close()
  })
})
