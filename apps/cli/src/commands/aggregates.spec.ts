import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KeyfoldContext, KeyfoldRuntime } from '@keyfold/nest'
import { startTestApp, type TestApp } from '@keyfold/nest/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Fill, TeaModule } from '../testdata/tea-app.ts'
import { envelopeOf } from '../testing/envelope-check.ts'
import { runInTest } from '../testing/test-world.ts'

const app = fileURLToPath(new URL('../testdata/tea-app.ts', import.meta.url))

describe('looking at aggregates and events', () => {
  let tea: TestApp
  let env: Record<string, string>
  let directory: string
  beforeAll(async () => {
    tea = await startTestApp(TeaModule)
    const { brokers, registryUrl } = tea.get(KeyfoldRuntime).addresses
    env = { KAFKA_BROKERS: brokers.join(','), SCHEMA_REGISTRY_URL: registryUrl }
    directory = await mkdtemp(join(tmpdir(), 'keyfold-cli-'))
    const context = tea.get(KeyfoldContext)
    const first = await context.run({ correlationId: 'order-7', actor: 'ann' }, () =>
      tea.execute(new Fill({ cupId: 'green', ml: 100n }), { commandId: 'one' }),
    )
    const [event] = await tea.get(KeyfoldRuntime).eventStore.readEvents({ topic: 'tea.cup', key: 'green' })
    const causationId = event?.headers['ce_id'] ?? ''
    await context.run({ correlationId: 'order-7', causationId }, () =>
      tea.execute(new Fill({ cupId: 'black', ml: 7n })),
    )
    await tea.execute(new Fill({ cupId: 'green', ml: 50n }), { commandId: 'two' })
    expect(first.version).toBe(1)
  })
  afterAll(async () => {
    await tea.close()
    await rm(directory, { recursive: true })
  })

  const run = (...args: string[]) => runInTest(args, { env })

  async function commandFile(content: object): Promise<string> {
    const file = join(directory, 'command.json')
    await writeFile(file, JSON.stringify(content))
    return file
  }

  it('shows the state, its events and what they changed, now and then', async () => {
    const now = await run('aggregate', 'show', 'cup', 'green', '--app', app, '--events', '--diff', '--json')
    expect(now).toMatchObject({ code: 0 })
    const { data } = envelopeOf('aggregate show', now)
    expect(data).toMatchObject({
      aggregate: 'cup',
      version: 2,
      newestVersion: 2,
      state: { ml: { $bigint: '150' } },
      events: [
        { version: 1, commandId: 'one' },
        { version: 2, commandId: 'two' },
      ],
      changes: [
        { version: 1, path: 'ml', before: { $bigint: '0' }, after: { $bigint: '100' } },
        { version: 2, path: 'ml', before: { $bigint: '100' }, after: { $bigint: '150' } },
      ],
    })
    const then = await run('aggregate', 'show', 'cup', 'green', '--app', `${app}#TeaModule`, '--at', '1')
    expect(then.out[0]).toBe(`cup green: version 1 of 2, in tea.cup/${(data as { partition: number }).partition}`)
    const before = await run('aggregate', 'show', 'cup', 'green', '--app', app, '--at', '2000-01-01', '--json')
    expect(envelopeOf('aggregate show', before).data).toMatchObject({ version: 0, state: { ml: { $bigint: '0' } } })
  })

  it('says what there is where it cannot show', async () => {
    expect(await run('aggregate', 'show', 'pot', 'x', '--app', app)).toMatchObject({
      code: 2,
      err: [expect.stringMatching(/AGGREGATE_UNKNOWN.*only cup/)],
    })
    expect((await run('aggregate', 'show', 'cup', 'green', '--app', app, '--at', '9')).err[0]).toMatch(
      /VERSION_NOT_REACHED.*green has 2 events, not 9/,
    )
    expect((await run('aggregate', 'show', 'cup', 'green', '--app', './nowhere.js')).err[0]).toMatch(/MODULE_UNUSABLE/)
    expect((await run('aggregate', 'show', 'cup', 'green', '--app', `${app}#OtherModule`)).err[0]).toMatch(
      /MODULE_UNUSABLE.*exports no Nest module/,
    )
  })

  it('replays a command at a version, and writes nothing', async () => {
    const file = await commandFile({ command: 'tea.Fill', payload: { ml: { $bigint: '150' } } })
    const accepted = await run(
      'aggregate',
      'replay',
      'cup',
      'green',
      '--app',
      app,
      '--command',
      file,
      '--at',
      '1',
      '--json',
    )
    expect(accepted.code).toBe(0)
    expect(envelopeOf('aggregate replay', accepted).data).toMatchObject({
      version: 1,
      outcome: 'events',
      events: [{ type: 'tea.Filled', data: { ml: 150 } }],
      stateAfter: { ml: { $bigint: '250' } },
    })
    const rejected = await run('aggregate', 'replay', 'cup', 'green', '--app', app, '--command', file, '--json')
    expect(rejected.code).toBe(1)
    expect(envelopeOf('aggregate replay', rejected).data).toMatchObject({ version: 2, rejection: { code: 'CUP_FULL' } })
    const misfit = await commandFile({ command: 'tea.Fill', payload: { ml: 'much' } })
    const failed = await run('aggregate', 'replay', 'cup', 'new', '--app', app, '--command', misfit)
    expect(failed).toMatchObject({ code: 1, out: [expect.stringMatching(/would fail: EVENT_DOES_NOT_FIT/)] })
    expect(await tea.get(KeyfoldRuntime).eventStore.readEvents({ topic: 'tea.cup', key: 'green' })).toHaveLength(2)
  })

  it('refuses files that hold no command of the aggregate', async () => {
    for (const [content, why] of [
      [{ command: 'tea.Spill', payload: {} }, /handles no tea\.Spill, only tea\.Fill/],
      [{ payload: {} }, /is not \{ "command"/],
      [{ command: 'tea.Fill', payload: { cupId: 'black' } }, /is for cupId black, not green/],
    ] as const) {
      const file = await commandFile(content)
      const refused = await run('aggregate', 'replay', 'cup', 'green', '--app', app, '--command', file)
      expect(refused.code).toBe(2)
      expect(refused.err[0]).toMatch(why)
    }
  })

  it('reads stored events without the application', async () => {
    const read = await run('events', 'read', 'tea.cup', '-k', 'green', '-n', '1', '--json')
    expect(envelopeOf('events read', read).data).toMatchObject([
      { key: 'green', version: 2, type: 'tea.Filled', commandId: 'two', data: { ml: 50 } },
    ])
    const all = await run('events', 'read', 'tea.cup', '--type', 'tea.Filled', '-q')
    expect(all.out).toHaveLength(3)
    expect((await run('events', 'read', 'tea.cup', '--type', 'tea.Spilled', '-q')).out).toEqual([])
  })

  it('traces what one request led to, as a tree', async () => {
    const traced = await run('events', 'trace', 'order-7', '--json')
    const { data } = envelopeOf('events trace', traced)
    expect(data).toMatchObject({
      correlationId: 'order-7',
      events: [
        { depth: 0, causedBy: null, event: { key: 'green', headers: { ce_actor: 'ann' } } },
        { depth: 1, event: { key: 'black' } },
      ],
    })
    expect(await run('events', 'trace', 'order-8', '--topics', 'tea.cup')).toMatchObject({
      code: 1,
      out: [expect.stringMatching(/no event of tea\.cup has the correlation id order-8/)],
    })
  })
})
