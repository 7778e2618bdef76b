import { InMemoryKafka } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import { type Projections, type SqliteReader } from './index.ts'
import { balances, Deposited, Ledger, rowsOf, stored, TOPIC } from './testdata/ledger.ts'
import { processWorld } from './testdata/process-world.ts'

const { open, started } = processWorld()

function stateOf(projections: Projections, name = 'balances'): string | undefined {
  return projections.status().find(({ projector }) => projector === name)?.state
}

describe('a running projector', () => {
  it('applies what is there and what comes, each event once', async () => {
    const ledger = new Ledger()
    ledger.deposit(100)
    const projections = await started(ledger)
    const reader = projections.read<SqliteReader>('balances')
    await projections.caughtUp('balances')
    expect(rowsOf(reader)).toEqual(ledger.expected)
    ledger.deposit(50, ['ann', 'zoe'])
    await projections.caughtUp()
    expect(rowsOf(reader)).toEqual(ledger.expected)
    expect(stateOf(projections)).toBe('live')
  })

  it('does not take a fetch without an answer for the end of the log', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(10)
    const kafka = new InMemoryKafka(ledger.kafka.log)
    const answered = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const openReader = kafka.openPartitionReader.bind(kafka)
    kafka.openPartitionReader = (options) => {
      const reader = openReader(options)
      let isLate = true
      const next: typeof reader.next = async (...wait) => {
        if (!isLate) await answered.promise
        if (!isLate) return await reader.next(...wait)
        isLate = false
        asked.resolve()
        return { records: [], position: options.fromOffset, endOffset: undefined }
      }
      return { next, close: () => reader.close() }
    }
    const projections = await open(ledger, undefined, { kafka })
    await projections.start()
    await asked.promise
    await new Promise((resolve) => setImmediate(resolve))
    expect(projections.status()).toMatchObject([{ state: 'catching-up', partitions: [{ position: 0, lag: 20 }] }])
    answered.resolve()
    await projections.caughtUp()
    expect(projections.status()).toMatchObject([{ state: 'live', partitions: [{ lag: 0 }] }])
  })

  it('goes on after a restart where its checkpoint is', async () => {
    const ledger = new Ledger()
    for (let round = 0; round < 3; round++) {
      ledger.deposit(10)
      const projections = await started(ledger)
      await projections.caughtUp()
      expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
      await projections.close()
    }
  })

  it('counts markers, aborted records and foreign events as passed', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(1)
    ledger.kafka.log
      .openTransaction([{ topic: TOPIC, partition: 0, records: [stored('ann', 2, Deposited({ amount: 9n }))] }])
      .decide('aborted')
    const foreign = {
      key: Buffer.from('ann'),
      value: Buffer.from('not even avro'),
      headers: { ce_type: 'test.Renamed' },
    }
    ledger.kafka.log.append({ topic: TOPIC, partition: 0, records: [foreign] })
    const projections = await started(ledger)
    await projections.caughtUp()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    const [status] = projections.status()
    expect(status?.partitions).toMatchObject([{ position: 5, endOffset: 5, lag: 0 }])
  })

  it('shows events of an open transaction only when it has committed', async () => {
    const ledger = new Ledger(1)
    const records = [stored('ann', 1, Deposited({ amount: 9n }))]
    const transaction = ledger.kafka.log.openTransaction([{ topic: TOPIC, partition: 0, records }])
    const projections = await started(ledger)
    await projections.caughtUp()
    expect(projections.read<SqliteReader>('balances').all('SELECT * FROM balance')).toEqual([])
    const visible = projections.waitFor('balances', { topic: TOPIC, partition: 0, offset: 0 }, { deadlineMs: 5_000 })
    transaction.decide('committed')
    expect(await visible).toBe('visible')
    expect(projections.read<SqliteReader>('balances').get('SELECT cents FROM balance')).toEqual({ cents: 9 })
  })

  it('answers a wait when the position is in the rows, and says so when time runs out', async () => {
    const ledger = new Ledger()
    const projections = await started(ledger)
    const { partition, offset } = ledger.deposit(10)
    const position = { topic: TOPIC, partition, offset }
    expect(await projections.waitFor('balances', position, { deadlineMs: 5_000 })).toBe('visible')
    expect(rowsOf(projections.read('balances')).audited).toBeGreaterThan(0)
    const late = { ...position, offset: offset + 1_000 }
    expect(await projections.waitFor('balances', late, { deadlineMs: 10 })).toBe('timeout')
    await expect(projections.waitFor('none', position, { deadlineMs: 1 })).rejects.toMatchObject({
      code: 'PROJECTOR_UNKNOWN',
    })
    const elsewhere = { ...position, topic: 'other' }
    await expect(projections.waitFor('balances', elsewhere, { deadlineMs: 1 })).rejects.toMatchObject({
      code: 'TOPIC_NOT_READ',
    })
  })

  it('cuts big batches into bounded transactions', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(25)
    const projections = await open(ledger, [balances()], { batch: { recordsMax: 4 } })
    await projections.start()
    await projections.caughtUp()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
  })

  it('takes handlers that answer promises', async () => {
    const ledger = new Ledger()
    ledger.deposit(30)
    const plain = balances()
    const handlers = new Map(
      [...plain.handlers].map(([name, handler]) => [
        name,
        async (data: unknown, context: Parameters<typeof handler>[1]) => {
          await Promise.resolve()
          await handler(data, context)
        },
      ]),
    )
    const projections = await started(ledger, [{ ...plain, handlers }])
    await projections.caughtUp()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
  })

  it('stays paused until it is resumed, also after a restart, and answers meanwhile', async () => {
    const ledger = new Ledger()
    ledger.deposit(5)
    const before = ledger.expected
    const first = await started(ledger)
    await first.caughtUp()
    await first.pause('balances')
    ledger.deposit(5)
    await first.close()
    const second = await started(ledger)
    expect(stateOf(second)).toBe('paused')
    expect(rowsOf(second.read('balances'))).toEqual(before)
    for (const call of ['caughtUp', 'rebuild', 'startProjector'] as const)
      await expect(second[call]('balances')).rejects.toMatchObject({ code: 'PROJECTOR_PAUSED' })
    await second.resume('balances')
    await second.caughtUp('balances')
    expect(rowsOf(second.read('balances'))).toEqual(ledger.expected)
  })
})

describe('a manual projector', () => {
  it('does nothing until it is started once, then starts by itself', async () => {
    const ledger = new Ledger()
    ledger.deposit(500)
    const manual = balances({ start: 'manual' })
    const first = await started(ledger, [manual])
    expect(stateOf(first)).toBe('new')
    expect(() => first.read<SqliteReader>('balances').all('SELECT 1')).toThrow('has no read model yet')
    await expect(first.rebuild('balances')).rejects.toMatchObject({ code: 'PROJECTOR_NOT_STARTED' })
    const phases: [string, number, number][] = []
    const status = await first.startProjector('balances', {
      onProgress: ({ phase, done, total }) => phases.push([phase, done, total]),
    })
    expect(status.state).toBe('live')
    expect(phases.at(-1)).toEqual(['live', 1_000, 1_000])
    expect(rowsOf(first.read('balances'))).toEqual(ledger.expected)
    await first.close()
    ledger.deposit(3)
    const second = await started(ledger, [manual])
    await second.caughtUp('balances')
    expect(rowsOf(second.read('balances'))).toEqual(ledger.expected)
  })
})

describe('opening', () => {
  it('names what is missing', async () => {
    const ledger = new Ledger()
    await expect(open(ledger, [balances({ store: 'postgres' })])).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    await expect(open(ledger, [balances(), balances()])).rejects.toThrow('balances twice')
    const projections = await started(ledger, [balances({ topics: ['nowhere'] }), balances({ name: 'sound' })])
    expect(projections.status().map(({ state }) => state)).toEqual([
      'failed',
      expect.stringMatching(/live|catching-up/),
    ])
    expect(projections.status()[0]?.error).toMatchObject({ code: 'TOPIC_MISSING' })
    ledger.kafka.log.createTopic({ name: 'nowhere', partitions: 1 })
    expect((await projections.startProjector('balances')).state).toBe('live')
  })

  it('lists read models whose projector is gone', async () => {
    const ledger = new Ledger()
    await (await started(ledger)).close()
    const projections = await open(ledger, [balances({ name: 'other' })])
    expect(stateOf(projections)).toBe('detached')
  })
})
