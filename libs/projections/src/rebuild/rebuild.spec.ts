import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ProjectionHandler } from '@keyfold/eventsourcing'
import { describe, expect, it } from 'vitest'
import { type RebuildReport, type SqliteReader, type SqliteTransaction } from '../index.ts'
import { balances, Deposited, Ledger, rowsOf, stored, TOPIC } from '../testdata/ledger.ts'
import { processWorld } from '../testdata/process-world.ts'

const world = processWorld()
const { started } = world

function files(): readonly string[] {
  return readdirSync(join(world.directory, 'balances')).filter((name) => name.endsWith('.sqlite'))
}

/** Settles once the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}

describe('a rebuild', () => {
  it('equals what serves, switches over, and goes on', async () => {
    const ledger = new Ledger()
    ledger.deposit(1_000)
    const projections = await started(ledger)
    const reader = projections.read<SqliteReader>('balances')
    await projections.caughtUp()
    const phases: string[] = []
    const report = await projections.rebuild('balances', { onProgress: ({ phase }) => phases.push(phase) })
    expect(report).toMatchObject({
      generation: 2,
      version: 1,
      events: 1_000,
      verified: { equal: true, differences: [] },
    })
    expect(report.verified.tables.map(({ name, rows }) => [name, rows])).toEqual([
      ['audit', 1_000],
      ['balance', 3],
    ])
    expect([...new Set(phases)]).toEqual(['replaying', 'catching-up', 'verifying', 'switched'])
    ledger.deposit(10)
    await projections.caughtUp()
    expect(rowsOf(reader)).toEqual(ledger.expected)
    expect(projections.status()[0]).toMatchObject({ generation: 2, state: 'live' })
    expect(files()).toEqual(['v1-g1.sqlite', 'v1-g2.sqlite'])
    await projections.rebuild('balances')
    expect(files()).toEqual(['v1-g2.sqlite', 'v1-g3.sqlite'])
  })

  it('serves the old rows meanwhile, with writes going on, and never steps back', async () => {
    const ledger = new Ledger()
    ledger.deposit(3_000)
    const projections = await started(ledger)
    await projections.caughtUp()
    const reader = projections.read<SqliteReader>('balances')
    const progress = { ended: false }
    const rebuild = projections.rebuild('balances').finally(() => (progress.ended = true))
    let seen = 0
    const states = new Set<string>()
    while (!progress.ended) {
      ledger.deposit(5)
      const { audited } = rowsOf(reader)
      expect(audited).toBeGreaterThanOrEqual(seen)
      seen = audited
      states.add(projections.status()[0]?.state ?? '')
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect((await rebuild).verified.equal).toBe(true)
    await projections.caughtUp()
    expect(rowsOf(reader)).toEqual(ledger.expected)
    expect(states).toContain('rebuilding')
  }, 20_000)

  it('keeps waits for a position across the switch', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(10)
    const projections = await started(ledger)
    await projections.caughtUp()
    const wait = projections.waitFor('balances', { topic: TOPIC, partition: 0, offset: 20 }, { deadlineMs: 5_000 })
    await projections.rebuild('balances')
    ledger.deposit(1)
    expect(await wait).toBe('visible')
  })

  it('is refused while another runs', async () => {
    const ledger = new Ledger()
    ledger.deposit(100)
    const projections = await started(ledger)
    const first = projections.rebuild('balances')
    await expect(projections.rebuild('balances')).rejects.toMatchObject({ code: 'REBUILD_RUNNING' })
    await first
  })

  it('does not switch when the rows differ', async () => {
    const ledger = new Ledger()
    ledger.deposit(100)
    let rate = 1n
    const changing = balances()
    const handler: ProjectionHandler = (data, context) => {
      const { amount } = data as { amount: bigint }
      return changing.handlers.get(Deposited.eventName)?.({ amount: amount * rate }, context)
    }
    const handlers = new Map([[Deposited.eventName, handler]])
    const projections = await started(ledger, { ...changing, handlers })
    await projections.caughtUp()
    rate = 2n
    await expect(projections.rebuild('balances')).rejects.toMatchObject({
      code: 'VERIFICATION_FAILED',
      details: { differences: ['balance has other values in its 3 rows'] },
    })
    rate = 1n
    ledger.deposit(10)
    await projections.caughtUp()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    expect(projections.status()[0]).toMatchObject({ generation: 1, state: 'live' })
    expect(files()).toContain('v1-g2.sqlite')
    await projections.rebuild('balances')
    expect(files()).toEqual(['v1-g1.sqlite', 'v1-g3.sqlite'])
  })

  it('leaves the serving generation running when a handler fails in it', async () => {
    const ledger = new Ledger()
    ledger.deposit(100)
    let broken = false
    const plain = balances()
    const handlers = new Map(
      [...plain.handlers].map(([name, handler]) => [
        name,
        (data: unknown, context: Parameters<typeof handler>[1]) => {
          if (broken && context.offset === 10) throw new Error('broken')
          return handler(data, context)
        },
      ]),
    )
    const projections = await started(ledger, { ...plain, handlers })
    await projections.caughtUp()
    broken = true
    await expect(projections.rebuild('balances')).rejects.toMatchObject({ code: 'HANDLER_FAILED' })
    ledger.deposit(10)
    await projections.caughtUp()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
  })
})

describe('a raised version', () => {
  it('is built by itself while the version before serves what it has, then switched to', async () => {
    const ledger = new Ledger()
    ledger.deposit(100)
    const first = await started(ledger)
    await first.caughtUp()
    await first.close()
    const setup = balances().setup as (tx: SqliteTransaction) => void
    const raised = balances({
      version: 2,
      setup: (tx) => {
        setup(tx as SqliteTransaction)
        const made = tx as SqliteTransaction
        made.exec('CREATE TABLE extra (n INTEGER)')
      },
    })
    ledger.deposit(50)
    const second = await started(ledger, raised)
    expect(rowsOf(second.read('balances')).audited).toBe(100)
    await second.caughtUp('balances')
    expect(rowsOf(second.read('balances'))).toEqual(ledger.expected)
    await until(() => second.status()[0]?.state === 'live')
    expect(second.status()[0]).toMatchObject({ version: 2, servingVersion: 2, generation: 2 })
    expect(second.read<SqliteReader>('balances').all('SELECT * FROM extra')).toEqual([])
  })

  it('that cannot be built leaves the version before serving, says why, and can be tried again', async () => {
    const ledger = new Ledger()
    ledger.deposit(100)
    const first = await started(ledger)
    await first.caughtUp()
    await first.close()
    let broken = true
    const plain = balances({ version: 2 })
    const setup = (tx: unknown): void | Promise<void> => {
      if (broken) throw new Error('no such column')
      return plain.setup(tx)
    }
    const second = await started(ledger, { ...plain, setup })
    await expect(second.caughtUp('balances')).rejects.toThrow('no such column')
    await expect(second.startProjector('balances')).rejects.toThrow('no such column')
    expect(second.status()[0]).toMatchObject({ state: 'failed', version: 2, servingVersion: 1 })
    expect(rowsOf(second.read('balances'))).toEqual(ledger.expected)
    broken = false
    await second.startProjector('balances')
    await until(() => second.status()[0]?.state === 'live')
    expect(second.status()[0]).toMatchObject({ servingVersion: 2 })
    expect(rowsOf(second.read('balances'))).toEqual(ledger.expected)
  })

  it('is gone on with after a stop halfway, and what another version left unfinished is thrown away', async () => {
    const ledger = new Ledger()
    ledger.deposit(20_000)
    const first = await started(ledger)
    await first.caughtUp()
    await first.close()
    const second = await started(ledger, balances({ version: 2 }))
    await until(() => (second.status()[0]?.rebuild?.done ?? 0) > 0)
    await second.close()
    expect(files()).toEqual(['v1-g1.sqlite', 'v2-g2.sqlite'])
    const third = await started(ledger, balances({ version: 2 }))
    const dones: number[] = []
    third.onProgress(({ done }) => dones.push(done))
    await third.caughtUp('balances')
    expect(dones[0]).toBeGreaterThan(0)
    expect(third.status()[0]).toMatchObject({ servingVersion: 2, generation: 2 })
    expect(rowsOf(third.read('balances'))).toEqual(ledger.expected)
    await until(() => third.status()[0]?.state === 'live')
    const held = third.rebuild('balances', { switch: 'manual' })
    const stopped = expect(held).rejects.toMatchObject({ code: 'PROJECTIONS_CLOSED' })
    await until(() => existsSync(join(world.directory, 'balances', 'v2-g3.sqlite')))
    await third.close()
    await stopped
    const fourth = await started(ledger, balances({ version: 3 }))
    await fourth.caughtUp('balances')
    expect(fourth.status()[0]).toMatchObject({ servingVersion: 3, generation: 4 })
    expect(existsSync(join(world.directory, 'balances', 'v2-g3.sqlite'))).toBe(false)
  }, 20_000)
})

it('a rebuild is over for everybody in the moment of the switch, and the next one may be asked for', async () => {
  const ledger = new Ledger()
  ledger.deposit(50)
  const projections = await started(ledger)
  await projections.caughtUp()
  const told = Promise.withResolvers<RebuildReport>()
  const states = new Set<string | undefined>()
  const stop = projections.onProgress(({ phase }) => {
    if (phase !== 'switched') return
    expect(projections.status()[0]).toMatchObject({ state: 'live', generation: 2, rebuild: undefined })
    stop()
    projections.onProgress(() => states.add(projections.status()[0]?.state))
    told.resolve(projections.rebuild('balances'))
  })
  expect((await projections.rebuild('balances')).generation).toBe(2)
  expect((await told.promise).generation).toBe(3)
  expect([...states]).toEqual(['rebuilding', 'live'])
  expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
})

it('a rebuild does not wait for a transaction that is still open', async () => {
  const ledger = new Ledger(1)
  const records = [stored('ann', 1, Deposited({ amount: 3n }))]
  const transaction = ledger.kafka.log.openTransaction([{ topic: TOPIC, partition: 0, records }])
  const projections = await started(ledger)
  await projections.caughtUp()
  const { verified } = await projections.rebuild('balances')
  expect(verified.equal).toBe(true)
  transaction.decide('committed')
  await projections.caughtUp()
  expect(projections.read<SqliteReader>('balances').get('SELECT cents FROM balance')).toEqual({ cents: 3 })
})
