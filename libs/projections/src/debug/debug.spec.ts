import { KeyfoldError, type ProjectorDescriptor } from '@keyfold/eventsourcing'
import { describe, expect, it } from 'vitest'
import { type DebugRange, type DebugReport, rowTable, type SqliteTransaction } from '../index.ts'
import { FaultyStore } from '../testdata/faulty-store.ts'
import { balances, balancesAfter, codecWith, Deposited, Ledger, rowsOf, stored, TOPIC } from '../testdata/ledger.ts'
import { processWorld } from '../testdata/process-world.ts'
import { MemoryReadModelStore } from '../stores/memory-read-model-store.ts'

const { open, started } = processWorld()

/** A partition with `ann` and `bob` in turns: events lie at 0, 2, 4 …, markers between them. */
function ledgerOf(deposits: number): Ledger {
  const ledger = new Ledger(1)
  ledger.deposit(deposits, ['ann', 'bob'])
  return ledger
}

/** The balances projector whose handler throws at this offset. */
function failingAt(failing: number, options: Partial<ProjectorDescriptor> = {}): ProjectorDescriptor {
  return balancesAfter(({ offset }) => {
    if (offset === failing) throw new Error(`broken at ${offset}`)
  }, options)
}

async function debugged(ledger: Ledger, range: DebugRange = {}, of = balances()): Promise<DebugReport> {
  const projections = await open(ledger, of)
  return await projections.debug('balances', range)
}

function outcomesOf({ events }: DebugReport): readonly unknown[] {
  return events.map(({ offset, outcome, behind }) => (behind === null ? [offset, outcome] : [offset, outcome, behind]))
}

describe('events that are tried', () => {
  it('show what handlers were given and what became of every row', async () => {
    const { events, ...report } = await debugged(ledgerOf(3))
    const range = { topic: TOPIC, partition: 0, key: null, from: 0, to: 6, next: null }
    expect(report).toEqual({ projector: 'balances', version: 1, ...range, warmUp: null })
    const third = events[2]
    expect(third).toMatchObject({ offset: 4, key: 'ann', type: 'test.Deposited', outcome: 'applied', error: null })
    expect(third?.handled).toEqual([{ type: 'test.Deposited', data: { amount: 1n, note: '' } }])
    expect(third?.rows).toEqual([
      {
        table: 'balance',
        key: { account: 'ann' },
        before: { account: 'ann', cents: 1, version: 1 },
        after: { account: 'ann', cents: 2, version: 2 },
      },
      { table: 'audit', key: {}, before: null, after: { place: '0/4' } },
    ])
  })

  it('leave serving rows and checkpoints alone, and need none', async () => {
    const ledger = ledgerOf(10)
    const projections = await started(ledger)
    await projections.caughtUp()
    const before = projections.status()
    expect((await projections.debug('balances')).events).toHaveLength(10)
    expect(projections.status()).toEqual(before)
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    const untouched = await open(new Ledger(1), balances({ name: 'others', start: 'manual' }))
    expect((await untouched.debug('others')).events).toEqual([])
    expect(untouched.status()).toMatchObject([{ state: 'new', generation: undefined }, { state: 'detached' }])
  })

  it('are those of a range or of a key, with the place to go on', async () => {
    const ledger = ledgerOf(10)
    const projections = await open(ledger)
    const offsetsOf = async (range: DebugRange): Promise<unknown> => {
      const { events, next } = await projections.debug('balances', range)
      return [events.map(({ offset }) => offset), next]
    }
    expect(await offsetsOf({ from: 4, to: 9 })).toEqual([[4, 6, 8], null])
    expect(await offsetsOf({ from: -5 })).toEqual([[16, 18], null])
    expect(await offsetsOf({ from: -500, eventsMax: 2 })).toEqual([[0, 2], 4])
    expect(await offsetsOf({ key: 'bob', eventsMax: 3 })).toEqual([[2, 6, 10], 12])
    expect(await offsetsOf({ key: 'nobody' })).toEqual([[], null])
    expect(await offsetsOf({ to: 500, from: 20 })).toEqual([[], null])
  })

  it('are fewer where they are large', async () => {
    const ledger = new Ledger(1)
    const event = Deposited({ amount: 1n, note: 'x'.repeat(3 * 1024 * 1024) })
    for (let version = 1; version <= 4; version++)
      ledger.kafka.log.append({ topic: TOPIC, partition: 0, records: [stored('ann', version, event)] })
    const { events, next } = await debugged(ledger)
    expect([events.length, next]).toEqual([3, 3])
  })

  it('meet the rows of what lies before them after a warm-up, and those of other keys', async () => {
    const report = await debugged(ledgerOf(10), { key: 'bob', from: 9, eventsMax: 2, warmUp: true })
    expect(report.warmUp).toEqual({ applied: 6, failed: 0 })
    const balancesOf = report.events.map(({ offset, rows }) => [offset, rows[0]?.before, rows[0]?.after])
    expect(balancesOf).toEqual([
      [10, { account: 'bob', cents: 2, version: 2 }, { account: 'bob', cents: 3, version: 3 }],
      [14, { account: 'bob', cents: 3, version: 3 }, { account: 'bob', cents: 4, version: 4 }],
    ])
  })

  it('are passed over where no handler takes them', async () => {
    const ledger = ledgerOf(1)
    const record = {
      key: Buffer.from('ann'),
      value: Buffer.from('not even avro'),
      headers: { ce_type: 'test.Renamed' },
    }
    ledger.kafka.log.append({ topic: TOPIC, partition: 0, records: [record] })
    const { events } = await debugged(ledger)
    expect(events[1]).toMatchObject({ offset: 2, outcome: 'passed-over', type: 'test.Renamed', handled: [], rows: [] })
  })

  it('tell rows that are folded, with all their digits', async () => {
    const table = rowTable('balance', { key: { account: 'text' }, columns: { cents: 'bigint' } })
    const folded: ProjectorDescriptor = {
      ...balances(),
      setup: (tx) => (tx as SqliteTransaction).createTable(table),
      handlers: new Map([
        [
          'test.Deposited',
          (_, { key, tx }) => (tx as SqliteTransaction).rows(table).add({ account: key }, { cents: 2n ** 60n }),
        ],
      ]),
    }
    const { events } = await debugged(ledgerOf(1), {}, folded)
    expect(events[0]?.rows).toEqual([
      { table: 'balance', key: { account: 'ann' }, before: null, after: { account: 'ann', cents: 2n ** 60n } },
    ])
  })
})

describe('an event that fails', () => {
  it('holds up its key alone where it would be parked', async () => {
    const report = await debugged(ledgerOf(5), {}, failingAt(2, { policies: PARKING }))
    expect(outcomesOf(report)).toEqual([
      [0, 'applied'],
      [2, 'failed'],
      [4, 'applied'],
      [6, 'waits', 2],
      [8, 'applied'],
    ])
    const [, failed, next] = report.events
    expect(failed).toMatchObject({ consequence: 'park', rows: [], handled: [{ type: 'test.Deposited' }] })
    expect(failed?.error).toMatchObject({ code: 'HANDLER_FAILED', cause: new Error('broken at 2') })
    expect(next?.rows[0]).toMatchObject({ before: { account: 'ann', cents: 1 } })
  })

  it('holds up its partition where it would halt', async () => {
    const report = await debugged(ledgerOf(4), {}, failingAt(2))
    expect(report.events[1]?.consequence).toBe('halt')
    expect(outcomesOf(report)).toEqual([
      [0, 'applied'],
      [2, 'failed'],
      [4, 'waits', 2],
      [6, 'waits', 2],
    ])
  })

  it('holds up those that are shown also when it was met in the warm-up', async () => {
    const report = await debugged(ledgerOf(6), { from: 8, warmUp: true }, failingAt(2, { policies: PARKING }))
    expect(report.warmUp).toEqual({ applied: 2, failed: 1 })
    expect(outcomesOf(report)).toEqual([
      [8, 'applied'],
      [10, 'waits', 2],
    ])
    const halted = await debugged(ledgerOf(6), { from: 8, warmUp: true }, failingAt(2))
    expect(halted.warmUp).toEqual({ applied: 1, failed: 1 })
    expect(outcomesOf(halted)).toEqual([
      [8, 'waits', 2],
      [10, 'waits', 2],
    ])
  })

  it('may be one that cannot be read, or whose schema the registry does not have', async () => {
    const ledger = new Ledger(1)
    const unreadable = stored('ann', 1, Deposited({ amount: 1n }), Buffer.from('not avro'))
    ledger.kafka.log.append({ topic: TOPIC, partition: 0, records: [unreadable] })
    const of = balances({ policies: PARKING })
    const failed = { outcome: 'failed', consequence: 'park', error: { code: 'EVENT_UNREADABLE' } }
    expect((await debugged(ledger, {}, of)).events).toMatchObject([failed])
    const decode = (): never => {
      throw new KeyfoldError('SCHEMA_UNKNOWN', { retriable: true, fix: 'wait' }, 'no such schema')
    }
    const projections = await open(ledger, of, { codec: codecWith({ decode }) })
    const waiting = { outcome: 'failed', consequence: 'halt', error: { code: 'SCHEMA_UNKNOWN' } }
    expect((await projections.debug('balances')).events).toMatchObject([waiting])
  })

  it.each([
    ['fail', 'failed', 'halt', 'EVENT_TYPE_UNKNOWN'],
    ['park', 'failed', 'park', 'EVENT_TYPE_UNKNOWN'],
    ['skip', 'passed-over', null, undefined],
  ] as const)('may be of a type that nobody knows: %s', async (onUnknownEvent, outcome, consequence, code) => {
    const ledger = new Ledger(1)
    const record = { key: Buffer.from('ann'), value: null, headers: { ce_type: 'test.Nobody' } }
    ledger.kafka.log.append({ topic: TOPIC, partition: 0, records: [record] })
    const report = await debugged(ledger, {}, balances({ policies: { onError: 'park-key', onUnknownEvent } }))
    expect(report.events).toMatchObject([{ outcome, consequence }])
    expect((report.events[0]?.error as KeyfoldError | null | undefined)?.code).toBe(code)
  })

  it('may meet an index that is there only after a replay', async () => {
    const indexes = (tx: unknown): void =>
      (tx as SqliteTransaction).exec('CREATE UNIQUE INDEX one_partition ON audit (substr(place, 1, 2))')
    const { events } = await debugged(ledgerOf(2), {}, balances({ indexes }))
    expect(events.map(({ outcome }) => outcome)).toEqual(['applied', 'failed'])
    expect(events[1]?.error?.message).toContain('UNIQUE constraint failed')
  })
})

const PARKING = { onError: 'park-key', onUnknownEvent: 'fail' } as const

describe('trying events is refused', () => {
  it.each<[DebugRange, string, string]>([
    [{ topic: 'other' }, 'TOPIC_NOT_READ', 'other'],
    [{}, 'DEBUG_RANGE_INVALID', 'name a key, or one of 0 to 1'],
    [{ partition: 2 }, 'DEBUG_RANGE_INVALID', 'no partition 2'],
    [{ partition: 0.5 }, 'DEBUG_RANGE_INVALID', 'no partition 0.5'],
    [{ partition: 0, eventsMax: 1_001 }, 'DEBUG_RANGE_INVALID', 'from 1 to 1000'],
    [{ partition: 0, eventsMax: 0 }, 'DEBUG_RANGE_INVALID', 'from 1 to 1000'],
    [{ partition: 0, from: 1 }, 'HISTORY_MISSING', 'offset 1'],
    [{ partition: 0, from: 99 }, 'DEBUG_RANGE_INVALID', 'ends at offset 8'],
    [{ partition: 0, from: 4, to: 4 }, 'DEBUG_RANGE_INVALID', 'nothing lies between 4 and 4'],
    [{ partition: 0, from: 2.5 }, 'DEBUG_RANGE_INVALID', 'whole numbers'],
  ])('for %j', async (range, code, why) => {
    const ledger = new Ledger(2)
    ledger.deposit(4, ['bob'])
    ledger.kafka.log.partition(TOPIC, 0).deleteBefore(2)
    await expect(debugged(ledger, range)).rejects.toMatchObject({ code, message: expect.stringContaining(why) })
  })

  it('for effects, for a store that has no scratch rows, and for tables that cannot be made', async () => {
    const sent: string[] = []
    const mailing = new Map([[Deposited.eventName, (_: unknown, { key }: { key: string }) => void sent.push(key)]])
    const projections = await open(ledgerOf(1), balances({ handlers: new Map(), effects: mailing }))
    await expect(projections.debug('balances.effects')).rejects.toMatchObject({ code: 'EFFECTS_NOT_REPEATED' })
    expect(outcomesOf(await projections.debug('balances'))).toEqual([[0, 'passed-over']])
    expect(sent).toEqual([])
    const bare = await open(ledgerOf(1), balances(), {
      stores: { sqlite: new FaultyStore(new MemoryReadModelStore()) },
    })
    await expect(bare.debug('balances')).rejects.toMatchObject({ code: 'SCRATCH_MISSING' })
    const setup = (tx: unknown): void => (tx as SqliteTransaction).exec('CREATE TABEL x (y)')
    await expect(debugged(ledgerOf(1), {}, balances({ setup }))).rejects.toMatchObject({ code: 'SETUP_FAILED' })
  })

  it('while others are tried, and ends when the projections are closed', async () => {
    const entered = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const waiting = async (): Promise<void> => {
      entered.resolve()
      await release.promise
    }
    const slow = balances({ handlers: new Map([['test.Deposited', waiting]]) })
    const projections = await open(ledgerOf(2), slow)
    const trying = projections.debug('balances')
    const ended = expect(trying).rejects.toMatchObject({ code: 'PROJECTIONS_CLOSED' })
    await entered.promise
    await expect(projections.debug('balances')).rejects.toMatchObject({ code: 'DEBUG_RUNNING' })
    const closing = projections.close()
    release.resolve()
    await Promise.all([ended, closing])
  })

  it('while the registry is away, which is no fault of an event', async () => {
    const away = new KeyfoldError('REGISTRY_UNREACHABLE', { retriable: true, fix: 'none' }, 'away')
    const offline = codecWith({ prepare: () => Promise.reject(away) })
    const projections = await open(ledgerOf(3), balances(), { codec: offline })
    await expect(projections.debug('balances')).rejects.toBe(away)
    await expect(projections.debug('balances', { from: 4, warmUp: true })).rejects.toBe(away)
  })
})
