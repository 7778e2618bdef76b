import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { KeyfoldError } from '@keyfold/eventsourcing'
import { FakeClock } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import {
  type Projections,
  type ProgressPhase,
  type SqliteReader,
  SqliteReadModelStore,
  type SqliteTransaction,
} from '../index.ts'
import { Throttle } from '../runner/throttle.ts'
import { balances, Ledger, rowsOf } from '../testdata/ledger.ts'
import { processWorld } from '../testdata/process-world.ts'

const world = processWorld()
const { started } = world

function files(): readonly string[] {
  return readdirSync(join(world.directory, 'balances')).filter((name) => name.endsWith('.sqlite'))
}

function ledgerOf(count: number): Ledger {
  const ledger = new Ledger()
  ledger.deposit(count)
  return ledger
}

/** Resolves when a rebuild has come to a phase. */
function reached(projections: Projections, wanted: ProgressPhase): Promise<void> {
  return new Promise((resolve) => {
    const stop = projections.onProgress(({ phase }) => {
      if (phase !== wanted) return
      stop()
      resolve()
    })
  })
}

describe('a rebuild that waits for a word', () => {
  it('follows the log, and serves what has been verified again when the word is given', async () => {
    const ledger = ledgerOf(100)
    const projections = await started(ledger)
    await projections.caughtUp()
    await expect(projections.swap('balances')).rejects.toMatchObject({ code: 'REBUILD_MISSING' })
    const ready = reached(projections, 'ready')
    const rebuild = projections.rebuild('balances', { switch: 'manual' })
    await ready
    expect(projections.status()[0]).toMatchObject({ state: 'rebuilding', generation: 1 })
    ledger.deposit(50)
    await projections.caughtUp()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    await projections.swap('balances')
    expect((await rebuild).verified).toMatchObject({ equal: true, tables: [{ rows: 150 }, { rows: 3 }] })
    expect(projections.status()[0]).toMatchObject({ generation: 2 })
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
  })

  it('can be cancelled: nothing of it stays, and what serves goes on', async () => {
    const ledger = ledgerOf(100)
    const projections = await started(ledger)
    await projections.caughtUp()
    const ready = reached(projections, 'ready')
    const cancelled = expect(projections.rebuild('balances', { switch: 'manual' })).rejects.toMatchObject({
      code: 'PROJECTIONS_CLOSED',
    })
    await ready
    expect(files()).toHaveLength(2)
    await projections.cancelRebuild('balances')
    await cancelled
    expect(files()).toEqual(['v1-g1.sqlite'])
    ledger.deposit(10)
    await projections.caughtUp()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    await expect(projections.cancelRebuild('balances')).rejects.toMatchObject({ code: 'REBUILD_MISSING' })
  })
})

describe('going back', () => {
  it('puts the generation back that served before, brought up to date', async () => {
    const ledger = ledgerOf(50)
    const projections = await started(ledger)
    await projections.caughtUp()
    await expect(projections.rollBack('balances')).rejects.toMatchObject({
      code: 'GENERATION_MISSING',
      message: 'projector balances has version 1, and no generation has served before',
    })
    await projections.rebuild('balances')
    ledger.deposit(20)
    await projections.caughtUp()
    expect(await projections.rollBack('balances')).toMatchObject({ generation: 1, verified: { equal: null } })
    expect(projections.status()[0]).toMatchObject({ generation: 1, servingVersion: 1 })
    ledger.deposit(5)
    await projections.caughtUp()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    expect(await projections.dropOld('balances')).toBe(1)
    expect(files()).toEqual(['v1-g1.sqlite'])
  })

  it('happens by itself when the code before a raised version is deployed again', async () => {
    const ledger = ledgerOf(50)
    for (const version of [1, 2]) {
      const projections = await started(ledger, balances({ version }))
      await expect.poll(() => projections.status()[0]?.servingVersion).toBe(version)
      await projections.caughtUp()
      await projections.close()
    }
    ledger.deposit(20)
    const back = await started(ledger, balances({ version: 1 }))
    await expect.poll(() => back.status()[0]?.generation).toBe(1)
    await back.caughtUp()
    expect(rowsOf(back.read('balances'))).toEqual(ledger.expected)
  })
})

describe('a raised version', () => {
  it('does not serve when its author’s verification finds something', async () => {
    const ledger = ledgerOf(30)
    const first = await started(ledger)
    await first.caughtUp()
    await first.close()
    const sum = (reader: SqliteReader): unknown => reader.get<{ n: number }>('SELECT sum(cents) AS n FROM balance')?.n
    const verify = (now: unknown, before: unknown): readonly string[] => [
      `${String(sum(now as SqliteReader))} is not twice ${String(sum(before as SqliteReader))}`,
    ]
    const errors: string[] = []
    const raised = await started(ledger, balances({ version: 2, verify }))
    await expect.poll(() => raised.status()[0]?.state).toBe('failed')
    errors.push(String(raised.status()[0]?.error))
    expect(errors[0]).toContain('30 is not twice 30')
    expect(raised.status()[0]).toMatchObject({ generation: 1, servingVersion: 1 })
  })

  it('gets its secondary indexes, when the bulk is done', async () => {
    const ledger = ledgerOf(30)
    const rowsWhenMade: unknown[] = []
    const indexes = (tx: unknown): void => {
      const transaction = tx as SqliteTransaction
      rowsWhenMade.push(transaction.get<{ n: number }>('SELECT count(*) AS n FROM audit')?.n)
      transaction.exec('CREATE INDEX IF NOT EXISTS by_cents ON balance (cents)')
    }
    const projections = await started(ledger, balances({ indexes }))
    await projections.caughtUp()
    const indexCount = "SELECT count(*) AS n FROM sqlite_schema WHERE name = 'by_cents'"
    await expect.poll(() => projections.read<SqliteReader>('balances').get(indexCount)).toEqual({ n: 1 })
    await projections.rebuild('balances')
    expect(rowsWhenMade).toEqual([30, 30])
    expect(projections.read<SqliteReader>('balances').get(indexCount)).toEqual({ n: 1 })
  })
})

it('a throttle lets so many events through per second, whoever asks', async () => {
  const clock = new FakeClock(0)
  const throttle = new Throttle(clock, 100)
  const { signal } = new AbortController()
  const passed: number[] = []
  await throttle.take(50, signal)
  const second = throttle.take(50, signal).then(() => passed.push(2))
  const third = throttle.take(10, signal).then(() => passed.push(3))
  clock.advance(499)
  await Promise.resolve()
  expect(passed).toEqual([])
  clock.advance(1)
  await second
  clock.advance(500)
  await third
  expect(passed).toEqual([2, 3])
  expect(() => new Throttle(clock, 0)).toThrow('eventsPerSecond: a number above 0, not 0')
})

it('a database that is away when a projector starts is waited for', async () => {
  const ledger = ledgerOf(30)
  const store = new SqliteReadModelStore({ directory: world.directory })
  const claim = store.claim.bind(store)
  let away = 3
  store.claim = async (projector) => {
    if (away-- > 0) throw new KeyfoldError('READ_MODEL_UNAVAILABLE', { retriable: true, fix: 'wait' }, 'away')
    return await claim(projector)
  }
  const projections = await started(ledger, balances(), { stores: { sqlite: store } })
  expect(projections.status()[0]?.state).toBe('failed')
  await expect.poll(() => projections.status()[0]?.state).toBe('live')
  expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
})
