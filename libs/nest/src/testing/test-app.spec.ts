import { access } from 'node:fs/promises'
import { FakeClock, sequentialIds } from '@keyfold/testing'
import { Module } from '@nestjs/common'
import { describe, expect, it } from 'vitest'
import { KeyfoldModule } from '../keyfold.module.ts'
import { KeyfoldRuntime } from '../keyfold-runtime.ts'
import { Cup, Fill, Volumes } from '../testdata/tea.ts'
import { startTestApp } from './index.ts'

const feature = KeyfoldModule.forFeature({ aggregates: [Cup], projectors: [Volumes] })

@Module({ imports: [KeyfoldModule.forRoot({ brokers: ['elsewhere:9092'], dataDirectory: '/nowhere' }), feature] })
class TeaModule {}

describe('an application under test', () => {
  it('runs on a cluster of its own, with a clock that the test moves and ids that are the same in every run', async () => {
    const runs: unknown[] = []
    for (let run = 0; run < 2; run += 1) {
      const clock = new FakeClock('2026-05-01T10:00:00Z')
      const tea = await startTestApp(TeaModule, { clock, newId: sequentialIds() })
      await tea.execute(new Fill({ cupId: 'a', ml: 1 }))
      clock.advance(60_000)
      const { events, version } = await tea.execute(new Fill({ cupId: 'a', ml: 2 }))
      expect({ events: events.length, version }).toEqual({ events: 1, version: 2 })
      await tea.caughtUp()
      const runtime = tea.get(KeyfoldRuntime)
      const rows = runtime.projections.read<{ all(sql: string): object[] }>('volumes').all('SELECT ml FROM volumes')
      expect(rows.map((row) => ({ ...row }))).toEqual([{ ml: 3 }])
      const stored = await runtime.eventStore.readEvents({ topic: 'tea.cup', key: 'a' })
      expect(stored.map(({ time }) => time.toISOString())).toEqual([
        '2026-05-01T10:00:00.000Z',
        '2026-05-01T10:01:00.000Z',
      ])
      runs.push(stored.map(({ headers }) => headers))
      await tea.close()
    }
    expect(runs[0]).toEqual(runs[1])
    await expect(access('/nowhere')).rejects.toThrow()
  })

  it('leaves nothing behind when it cannot start', async () => {
    @Module({ imports: [KeyfoldModule.forRoot({ partitions: 0 })] })
    class Broken {}
    await expect(startTestApp(Broken)).rejects.toMatchObject({ code: 'OPTIONS_INVALID' })
  })
})
