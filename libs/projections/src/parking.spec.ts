import { defineEvent, type ProjectorDescriptor } from '@keyfold/eventsourcing'
import { describe, expect, it } from 'vitest'
import { type Projections, type SqliteReader } from './index.ts'
import { balances, balancesAfter, Ledger, stored, TOPIC } from './testdata/ledger.ts'
import { processWorld } from './testdata/process-world.ts'

const { started } = processWorld()

/** The balances projector, whose handler throws for what `isPoison` names. */
function fragile(isPoison: (key: string, offset: number) => boolean, version = 1): ProjectorDescriptor {
  const policies = { onError: 'park-key', onUnknownEvent: 'fail' } as const
  return balancesAfter(
    ({ key, offset }) => {
      if (isPoison(key, offset)) throw new Error(`poison at ${offset}`)
    },
    { version, policies },
  )
}

function centsOf(projections: Projections): Record<string, number> {
  const rows = projections
    .read<SqliteReader>('balances')
    .all<{ account: string; cents: number }>('SELECT * FROM balance')
  return Object.fromEntries(rows.map(({ account, cents }) => [account, cents]))
}

function ledgerOf(count: number): Ledger {
  const ledger = new Ledger(1)
  ledger.deposit(count)
  return ledger
}

describe('parking', () => {
  it('sets one key aside, in order, and goes on with all others', async () => {
    const ledger = ledgerOf(30)
    const projections = await started(
      ledger,
      fragile((key, offset) => key === 'bob' && offset === 8),
    )
    await projections.caughtUp()
    // Every deposit is followed by the marker of its transaction: bob's are at 2, 8, 14 and so on.
    expect(centsOf(projections)).toEqual({ ann: 10, bob: 1, eve: 10 })
    const parked = await projections.parked('balances')
    expect(parked).toHaveLength(9)
    expect(parked[0]).toMatchObject({ topic: TOPIC, partition: 0, offset: 8, key: 'bob', attempts: 0 })
    expect(parked[0]?.error).toContain('poison at 8')
    expect(parked[1]).toMatchObject({ offset: 14, key: 'bob', error: null })
    expect(projections.status()[0]).toMatchObject({ state: 'live', partitions: [{ lag: 0, parked: 9 }] })
  })

  it('retries in order, stops at what still fails, and frees the key in the end', async () => {
    let poison = new Set([8, 20])
    const ledger = ledgerOf(30)
    const projections = await started(
      ledger,
      fragile((_, offset) => poison.has(offset)),
    )
    await projections.caughtUp()
    expect(await projections.retryParked('balances')).toMatchObject({ applied: 0, left: 9 })
    expect((await projections.parked('balances'))[0]).toMatchObject({ offset: 8, attempts: 1 })
    poison = new Set([20])
    const report = await projections.retryParked('balances', { key: 'bob' })
    expect(report).toMatchObject({ applied: 2, left: 7 })
    expect(report.errors[0]).toContain('poison at 20')
    poison = new Set()
    ledger.deposit(3)
    await projections.caughtUp()
    expect(await projections.parked('balances')).toHaveLength(8)
    expect(await projections.retryParked('balances', { key: 'bob' })).toEqual({ applied: 8, left: 0, errors: [] })
    ledger.deposit(3)
    await projections.caughtUp()
    expect(await projections.parked('balances')).toEqual([])
    expect(centsOf(projections)).toEqual({ ann: 12, bob: 12, eve: 12 })
  })

  it('is still there after a restart', async () => {
    const ledger = ledgerOf(30)
    const first = await started(
      ledger,
      fragile((_, offset) => offset === 8),
    )
    await first.caughtUp()
    await first.close()
    ledger.deposit(3)
    const again = await started(
      ledger,
      fragile(() => false),
    )
    await again.caughtUp()
    expect(centsOf(again)).toEqual({ ann: 11, bob: 1, eve: 11 })
    expect(await again.parked('balances')).toHaveLength(10)
    expect(await again.retryParked('balances')).toEqual({ applied: 10, left: 0, errors: [] })
    expect(centsOf(again)).toEqual({ ann: 11, bob: 11, eve: 11 })
  })

  it('drops with a reason: the rest of the key can go on', async () => {
    const ledger = ledgerOf(30)
    const projections = await started(
      ledger,
      fragile((_, offset) => offset === 8),
    )
    await projections.caughtUp()
    const place = { topic: TOPIC, partition: 0, offset: 8 }
    await expect(projections.dropParked('balances', { place }, ' ')).rejects.toThrow('say why')
    expect(await projections.dropParked('balances', { place }, 'wrong amount, corrected by hand')).toBe(1)
    expect(await projections.retryParked('balances')).toEqual({ applied: 8, left: 0, errors: [] })
    expect(centsOf(projections)).toEqual({ ann: 10, bob: 9, eve: 10 })
  })

  it('begins a rebuild with nothing parked, and switches to rows that differ by what was', async () => {
    let broken = true
    const ledger = ledgerOf(30)
    const projections = await started(
      ledger,
      fragile((_, offset) => broken && offset === 8),
    )
    await projections.caughtUp()
    broken = false
    const report = await projections.rebuild('balances')
    expect(report.verified).toMatchObject({ equal: null, differences: ['9 events are parked no more'] })
    expect(await projections.parked('balances')).toEqual([])
    expect(centsOf(projections)).toEqual({ ann: 10, bob: 10, eve: 10 })
  })

  it('keeps serving what a rebuild would take away again, because it has to park what was applied', async () => {
    let broken = false
    const projections = await started(
      ledgerOf(30),
      fragile((_, offset) => broken && offset === 8),
    )
    await projections.caughtUp()
    broken = true
    await expect(projections.rebuild('balances')).rejects.toMatchObject({
      code: 'VERIFICATION_FAILED',
      message: expect.stringContaining('9 events are parked now'),
    })
    expect(centsOf(projections)).toEqual({ ann: 10, bob: 10, eve: 10 })
    expect(await projections.parked('balances')).toEqual([])
  })

  it('cannot be retried while the projector is paused', async () => {
    const projections = await started(
      ledgerOf(30),
      fragile((_, offset) => offset === 8),
    )
    await projections.caughtUp()
    await projections.pause('balances')
    await expect(projections.retryParked('balances')).rejects.toMatchObject({ code: 'PROJECTOR_PAUSED' })
    expect(await projections.parked('balances')).toHaveLength(9)
  })
})

describe('an event of a type that nobody knows', () => {
  const Stranger = defineEvent<'test.Stranger', { name: string }>({
    name: 'test.Stranger',
    versions: [{ version: 1, schema: { type: 'record', namespace: 'test', name: 'Stranger', fields: [] } }],
  })

  function withStranger(): Ledger {
    const ledger = ledgerOf(3)
    const record = { ...stored('bob', 2, Stranger({ name: 'x' }), Buffer.alloc(9)) }
    ledger.kafka.log.append({ topic: TOPIC, partition: 0, records: [record] })
    return ledger
  }

  const withPolicy = (onUnknownEvent: 'fail' | 'park' | 'skip') =>
    balances({ policies: { onError: 'park-key', onUnknownEvent } })

  it('stops the partition by default', async () => {
    const projections = await started(withStranger(), withPolicy('fail'))
    await expect(projections.caughtUp('balances')).rejects.toMatchObject({
      code: 'EVENT_TYPE_UNKNOWN',
      message: `no code here knows test.Stranger at ${TOPIC}/0 offset 6`,
    })
  })

  it('is parked when the projector says so', async () => {
    const projections = await started(withStranger(), withPolicy('park'))
    await projections.caughtUp()
    expect(await projections.parked('balances')).toMatchObject([{ key: 'bob', type: 'test.Stranger', offset: 6 }])
  })

  it('is passed over and counted when the projector says so', async () => {
    const projections = await started(withStranger(), withPolicy('skip'))
    await projections.caughtUp()
    expect(projections.status()[0]?.partitions).toMatchObject([{ skipped: 1, parked: 0 }])
  })
})
