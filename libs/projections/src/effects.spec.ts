import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProjectionHandler } from '@keyfold/eventsourcing'
import { InMemoryKafka } from '@keyfold/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openProjections, type Projections, SqliteReadModelStore } from './index.ts'
import { balances, codec, Deposited, Ledger, rowsOf } from './testdata/ledger.ts'

let directory: string
let sent: number[]
const opened: Projections[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'effects-'))
  sent = []
})

afterEach(async () => {
  await closeAll()
  await rm(directory, { recursive: true })
})

async function closeAll(): Promise<void> {
  for (const projections of opened.splice(0)) await projections.close()
}

const send: ProjectionHandler = (_data, { offset }) => void sent.push(offset)

async function started(ledger: Ledger, run = send, version = 1, start: 'auto' | 'manual' = 'auto') {
  const descriptor = balances({ version, start, effects: new Map([[Deposited.eventName, run]]) })
  const projections = await openProjections({
    kafka: new InMemoryKafka(ledger.kafka.log),
    codec,
    projectors: [{ ...descriptor, policies: { onError: 'park-key', onUnknownEvent: 'fail' } }],
    stores: { sqlite: new SqliteReadModelStore({ directory }) },
    retry: { batchAttempts: 1, eventAttempts: 2, firstDelayMs: 0, delayMsMax: 1 },
  })
  opened.push(projections)
  await projections.start()
  return projections
}

/** Every deposit takes two offsets: the event and the marker of its transaction. */
function offsets(from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => (from + index) * 2)
}

describe('effects', () => {
  it('run for what comes after the first start, while the process was away too, and in no rebuild', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(5)
    let projections = await started(ledger)
    await projections.caughtUp()
    expect(sent).toEqual([])
    ledger.deposit(5)
    await projections.caughtUp()
    expect(sent).toEqual(offsets(5, 5))
    await projections.rebuild('balances')
    expect(sent).toEqual(offsets(5, 5))
    await closeAll()
    ledger.deposit(5)
    projections = await started(ledger, send, 2)
    await projections.caughtUp('balances.effects')
    while (projections.status()[0]?.servingVersion !== 2) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(sent).toEqual(offsets(5, 10))
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    await expect(projections.rebuild('balances.effects')).rejects.toMatchObject({ code: 'EFFECTS_NOT_REPEATED' })
  })

  it('that fail are parked by themselves and do not hold up the rows', async () => {
    const ledger = new Ledger(1)
    let isAway = true
    const projections = await started(ledger, (data, context) => {
      if (isAway && context.key === 'bob') throw new Error('no mail today')
      return send(data, context)
    })
    ledger.deposit(4, ['ann', 'bob'])
    await projections.caughtUp()
    expect(sent).toEqual([0, 4])
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    expect(await projections.parked('balances')).toEqual([])
    expect(await projections.parked('balances.effects')).toMatchObject([{ offset: 2 }, { offset: 6, error: null }])
    isAway = false
    expect(await projections.retryParked('balances.effects')).toMatchObject({ applied: 2, left: 0 })
    expect(sent).toEqual([0, 4, 2, 6])
  })

  it('pause, and start by hand, with their projector', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(2)
    const projections = await started(ledger, send, 1, 'manual')
    expect(projections.status().map(({ state }) => state)).toEqual(['new', 'new'])
    await projections.startProjector('balances')
    await projections.pause('balances')
    ledger.deposit(2)
    expect(projections.status().map(({ state }) => state)).toEqual(['paused', 'paused'])
    await projections.resume('balances')
    await projections.caughtUp()
    expect(sent).toEqual(offsets(2, 2))
  })
})
