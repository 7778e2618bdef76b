import { KeyfoldError } from '@keyfold/eventsourcing'
import type { PartitionReader, PartitionReaderOptions } from '@keyfold/kafka'
import { InMemoryKafka } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import { type SqliteTransaction } from './index.ts'
import {
  balances,
  balancesAfter,
  codec,
  codecWith,
  Deposited,
  Ledger,
  rowsOf,
  stored,
  TOPIC,
} from './testdata/ledger.ts'
import { processWorld } from './testdata/process-world.ts'

const { started } = processWorld()

/** Throws `error` so many times at the given place. */
function failing(
  times: number,
  at: { partition: number; offset: number },
  error: () => Error = () => new Error('broken'),
) {
  let left = times
  return balancesAfter(({ partition, offset }) => {
    if (partition !== at.partition || offset !== at.offset || left === 0) return
    left -= 1
    throw error()
  })
}

describe('a handler that throws', () => {
  it.each([1, 2, 3, 4, 5])('%i times is tried again and loses nothing', async (times) => {
    const ledger = new Ledger(1)
    ledger.deposit(50)
    const projections = await started(ledger, failing(times, { partition: 0, offset: 20 }))
    await projections.caughtUp()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
  })

  it('for ever halts its partition at the event, and no other', async () => {
    const ledger = new Ledger(2)
    ledger.deposit(50, ['ann', 'bob'])
    const projections = await started(ledger, failing(Infinity, { partition: 0, offset: 20 }))
    await expect(projections.caughtUp('balances')).rejects.toMatchObject({
      code: 'HANDLER_FAILED',
      message: 'the handler of test.Deposited failed at test.account/0 offset 20 (key bob): broken',
      details: { topic: TOPIC, partition: 0, offset: 20, key: 'bob', type: 'test.Deposited' },
    })
    const { offset } = ledger.deposit(1, ['ann'])
    const other = { topic: TOPIC, partition: 1, offset }
    expect(await projections.waitFor('balances', other, { deadlineMs: 5_000 })).toBe('visible')
    const [status] = projections.status()
    expect(status).toMatchObject({ state: 'failed', partitions: [{ position: 20 }, { error: undefined, lag: 0 }] })
    expect(rowsOf(projections.read('balances')).audited).toBe(10 + 26)
  })

  it('goes on at that event when its projector is started again', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(50)
    let broken = true
    const projector = balancesAfter(({ offset }) => {
      if (broken && offset === 20) throw new Error('broken')
    })
    const projections = await started(ledger, projector)
    await expect(projections.startProjector('balances')).rejects.toMatchObject({ code: 'HANDLER_FAILED' })
    broken = false
    expect((await projections.startProjector('balances')).state).toBe('live')
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
  })
})

describe('a transaction that fails at its end', () => {
  const constrained = (tx: unknown): void => {
    const made = tx as SqliteTransaction
    made.exec('CREATE TABLE parent (id INTEGER PRIMARY KEY)')
    made.exec('CREATE TABLE child (parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)')
  }

  it('is rolled back and located, although no handler threw', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(30)
    const { setup } = balances()
    const projector = balancesAfter(
      ({ offset, tx }) => {
        if (offset === 20) (tx as SqliteTransaction).run('INSERT INTO child VALUES (1)')
      },
      {
        setup: (tx) => {
          constrained(tx)
          return setup(tx)
        },
      },
    )
    const projections = await started(ledger, projector)
    await expect(projections.caughtUp('balances')).rejects.toMatchObject({ code: 'READ_MODEL_FAILED' })
    expect(projections.status()[0]?.partitions).toMatchObject([{ position: 20 }])
    expect(rowsOf(projections.read('balances')).audited).toBe(10)
  })
})

describe('what cannot be read', () => {
  it.each([
    ['a body that is no event', { value: Buffer.from('nonsense'), headers: { ce_type: Deposited.eventName } }],
    ['a record without a value', { value: null, headers: { ce_type: Deposited.eventName } }],
    ['a record without a type', { value: Buffer.from('nonsense') }],
    [
      'a body of another type',
      { ...stored('ann', 1, Deposited({ amount: 1n })), headers: { ce_type: 'test.Renamed' } },
    ],
  ])('halts the partition: %s', async (_, record) => {
    const ledger = new Ledger(1)
    ledger.deposit(5)
    ledger.kafka.log.append({ topic: TOPIC, partition: 0, records: [{ key: Buffer.from('ann'), ...record }] })
    ledger.deposit(5)
    const plain = balances()
    const handlers = new Map([...plain.handlers, ['test.Renamed', () => {}]])
    const projections = await started(ledger, { ...plain, handlers })
    await expect(projections.caughtUp('balances')).rejects.toMatchObject({
      code: 'EVENT_UNREADABLE',
      details: { topic: TOPIC, partition: 0, offset: 10 },
    })
    expect(rowsOf(projections.read('balances')).audited).toBe(5)
  })

  it('waits for a schema that the registry does not have yet, and skips nothing', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(30)
    let asked = 0
    const patient = codecWith({
      prepare: async () => {
        asked += 1
      },
      decode: (value: Buffer) => {
        if (asked < 20) throw new KeyfoldError('SCHEMA_UNKNOWN', { retriable: true, fix: 'wait' }, 'not yet')
        return codec.decode(value)
      },
    })
    const projections = await started(ledger, balances(), { codec: patient })
    await projections.caughtUp('balances')
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
  })

  it('halts when history is missing', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(5)
    ledger.kafka.log.partition(TOPIC, 0).deleteBefore(3)
    const projections = await started(ledger, balances())
    await expect(projections.caughtUp('balances')).rejects.toMatchObject({
      code: 'HISTORY_MISSING',
      details: { offset: 0 },
    })
  })

  it('waits for a registry that cannot be reached', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(5)
    let outages = 3
    const unreachable = new KeyfoldError('REGISTRY_UNREACHABLE', { retriable: true, fix: 'start it' }, 'no registry')
    const patient = codecWith({
      prepare: async () => {
        if (outages-- > 0) throw unreachable
      },
    })
    const projections = await started(ledger, balances(), { codec: patient })
    await projections.caughtUp()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
  })

  it('locates a value that cannot be prepared', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(5)
    const [, second] = ledger.kafka.log.partition(TOPIC, 0).read(0, 'committed', 1_000_000).records
    const refusing = codecWith({
      prepare: async (values: Iterable<Buffer>) => {
        for (const value of values) if (value === second?.value) throw new Error('unheard of')
      },
    })
    const projections = await started(ledger, balances(), { codec: refusing })
    await expect(projections.caughtUp('balances')).rejects.toMatchObject({
      code: 'EVENT_UNREADABLE',
      details: { offset: 2 },
    })
  })
})

/** Hands out records again that lie before the offset asked for, as a fetch of whole batches would. */
class RepeatingKafka extends InMemoryKafka {
  override openPartitionReader(options: PartitionReaderOptions): PartitionReader {
    return super.openPartitionReader({ ...options, fromOffset: Math.max(0, options.fromOffset - 7) })
  }
}

describe('the line to Kafka', () => {
  it('may deliver again what was applied before', async () => {
    const ledger = new Ledger(1)
    for (let round = 0; round < 3; round++) {
      ledger.deposit(20)
      const kafka = new RepeatingKafka(ledger.kafka.log)
      const projections = await started(ledger, balances(), { kafka })
      await projections.caughtUp()
      expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
      await projections.close()
    }
  })

  it('may break and come back', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(5)
    const lost = new KeyfoldError('KAFKA_UNREACHABLE', { retriable: true, fix: 'wait' }, 'connection lost')
    ledger.kafka.log.readFaults.push(lost)
    const projections = await started(ledger, balances())
    await projections.caughtUp()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
  })
})

describe('two processes with one projector', () => {
  it('fences the first, and the second applies everything once', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(10)
    const zombie = await started(ledger, balances())
    await zombie.caughtUp()
    const owner = await started(ledger, balances())
    ledger.deposit(10)
    await owner.caughtUp()
    await expect(zombie.caughtUp('balances')).rejects.toMatchObject({ code: 'CHECKPOINT_FENCED' })
    ledger.deposit(10)
    await owner.caughtUp()
    expect(rowsOf(owner.read('balances'))).toEqual(ledger.expected)
    expect(zombie.status()[0]?.state).toBe('failed')
    await expect(zombie.rebuild('balances')).rejects.toMatchObject({ code: 'CHECKPOINT_FENCED' })
    await owner.caughtUp()
    expect(rowsOf(owner.read('balances'))).toEqual(ledger.expected)
  })
})
