import { KafkaError } from '@keyfold/protocol'
import { afterEach, describe, expect, it } from 'vitest'

import type { Isolation } from '../partition/partition-requests.ts'
import {
  add,
  closeAll,
  end,
  init,
  nowMs,
  partition,
  produce,
  read,
  restart,
  settle,
  stage,
  start,
  startFresh,
  timeoutMs,
  type Producer,
  type TransactionWorld,
} from '../testing/transaction-rehearsal.ts'

afterEach(closeAll)

describe('what readers see', () => {
  it('statement 31: read_committed ends at the first offset of the earliest open transaction', async () => {
    const world = await startFresh()
    const [first, second] = [init(world, 'one'), init(world, 'two')]
    const from = partition(world, 'a')
    add(world, first, 'a')
    add(world, second, 'a')
    produce(world, first, 'a', 0)
    produce(world, second, 'a', 0)
    await settle(world)
    expect([from.lastStableOffset, from.highWatermark]).toEqual([0, 2])
    end(world, second, true)
    await settle(world)
    expect([from.lastStableOffset, from.highWatermark]).toEqual([0, 3])
    expect(await read(world, 'a', 'read_committed')).toEqual([])
    expect(await read(world, 'a', 'read_uncommitted')).toEqual(['one0', 'two0', '<commit>'])
    expect(await from.listOffset(-1, 'read_committed')).toMatchObject({ offset: 0 })
    end(world, first, true)
    await settle(world)
    expect([from.lastStableOffset, from.highWatermark]).toEqual([4, 4])
  })

  it('statement 31: the last stable offset does not move before the commit is durable', async () => {
    const world = await startFresh()
    const producer = init(world)
    const from = partition(world, 'a')
    add(world, producer, 'a')
    produce(world, producer, 'a', 0)
    await settle(world)
    const { lsn } = end(world, producer, true)
    expect(from.lastStableOffset).toBe(0)
    await world.storage.durable(lsn)
    expect(from.lastStableOffset).toBe(2)
  })

  it('statement 31: an open transaction is readable once it is durable, not as soon as it is acknowledged', async () => {
    const world = await startFresh()
    const producer = init(world)
    add(world, producer, 'a')
    await settle(world)
    expect(produce(world, producer, 'a', 0)).toBe(0)
    // All that its answer waits for: the beginning of the transaction.
    await world.storage.durable(world.transactions.begunAt('tx'))
    expect(partition(world, 'a').highWatermark).toBe(0)
    await settle(world)
    expect(await read(world, 'a', 'read_uncommitted')).toEqual(['tx0'])
  })

  it('statement 32: lists aborted transactions that overlap, also begun before, sorted by first offset', async () => {
    const world = await startFresh()
    const [first, second, third] = [init(world, 'one'), init(world, 'two'), init(world, 'three')]
    for (const producer of [first, second, third]) add(world, producer, 'a')
    produce(world, first, 'a', 0) // 0
    produce(world, second, 'a', 0) // 1
    produce(world, third, 'a', 0) // 2
    end(world, second, false) // 3
    produce(world, first, 'a', 1) // 4
    end(world, first, false) // 5
    end(world, third, true) // 6
    await settle(world)
    const from = partition(world, 'a')
    const abortedFrom = async (offset: number, isolation: Isolation = 'read_committed') => {
      const request = { offset, maxBytes: 100_000, isolation, minOneBatch: true }
      return (await from.read(request)).abortedTransactions?.map(({ firstOffset }) => firstOffset) ?? null
    }
    expect(await abortedFrom(0)).toEqual([0, 1])
    expect(await abortedFrom(4)).toEqual([0])
    expect(await abortedFrom(6)).toEqual([])
    expect(await abortedFrom(0, 'read_uncommitted')).toBeNull()
    expect(await read(world, 'a', 'read_committed')).toEqual(['three0', '<abort>', '<abort>', '<commit>'])
    const firstBatchOnly = { offset: 0, maxBytes: 1, isolation: 'read_committed', minOneBatch: true } as const
    expect((await from.read(firstBatchOnly)).abortedTransactions?.map(({ firstOffset }) => firstOffset)).toEqual([0])
  })

  it('statement 32: lists no aborted transactions, not even none, where the next batch is larger than the room', async () => {
    const world = await startFresh()
    const producer = init(world)
    add(world, producer, 'a')
    produce(world, producer, 'a', 0)
    end(world, producer, false)
    await settle(world)
    const listed = async (offset: number, maxBytes: number) => {
      const request = { offset, maxBytes, isolation: 'read_committed', minOneBatch: false } as const
      const { records, abortedTransactions } = await partition(world, 'a').read(request)
      expect(records).toEqual([])
      return abortedTransactions
    }
    expect(await listed(0, 10)).toBeNull()
    expect(await listed(0, 0)).toEqual([])
    expect(await listed(partition(world, 'a').lastStableOffset, 10)).toEqual([])
  })

  it('statement 32: lists none to a reader behind the last stable offset', async () => {
    const world = await startFresh()
    const [open, aborted] = [init(world, 'open'), init(world, 'aborted')]
    for (const producer of [open, aborted]) add(world, producer, 'a')
    produce(world, open, 'a', 0) // 0
    produce(world, aborted, 'a', 0) // 1
    end(world, aborted, false) // 2
    await settle(world)
    const request = { offset: 2, maxBytes: 100, isolation: 'read_committed', minOneBatch: true } as const
    expect((await partition(world, 'a').read(request)).abortedTransactions).toEqual([])
  })

  it('statement 36: describes producers and transactions', async () => {
    const world = await startFresh()
    const producer = init(world)
    expect(world.transactions.describe('tx')).toMatchObject({ state: 'Empty', startMs: -1, partitions: [] })
    add(world, producer, 'b')
    produce(world, producer, 'b', 0)
    expect(world.transactions.describe('tx')).toMatchObject({
      errorCode: 0,
      state: 'Ongoing',
      timeoutMs,
      startMs: nowMs,
      producerEpoch: 0,
      partitions: [{ topic: 'b', partition: 0 }],
    })
    expect(partition(world, 'b').describeProducers()).toMatchObject([
      { producerId: producer.producerId, producerEpoch: 0, lastSequence: 0, currentTxnStartOffset: 0 },
    ])
    end(world, producer, true)
    expect(world.transactions.list()).toMatchObject([{ transactionalId: 'tx', state: 'CompleteCommit' }])
    expect(world.transactions.describe('nobody')).toMatchObject({
      errorCode: KafkaError.TRANSACTIONAL_ID_NOT_FOUND.code,
      state: '',
    })
    expect(world.transactions.describe('').errorCode).toBe(KafkaError.INVALID_REQUEST.code)
  })
})

describe('time', () => {
  it('statement 29: aborts a transaction that takes too long and fences its producer', async () => {
    const world = await startFresh()
    const producer = init(world)
    add(world, producer, 'a')
    produce(world, producer, 'a', 0)
    world.transactions.tick(nowMs + timeoutMs)
    expect(world.transactions.describe('tx').state).toBe('Ongoing')
    world.transactions.tick(nowMs + timeoutMs + 1)
    expect(world.transactions.describe('tx')).toMatchObject({ state: 'CompleteAbort', producerEpoch: 1 })
    expect(end(world, producer, true).errorCode).toBe(KafkaError.PRODUCER_FENCED.code)
    expect(produce(world, producer, 'a', 1)).toBe(KafkaError.INVALID_PRODUCER_EPOCH.code)
    await settle(world)
    expect(await read(world, 'a', 'read_committed')).toEqual(['<abort>'])
    expect(init(world)).toMatchObject({ errorCode: 0, producerEpoch: 2 })
  })

  it('statement 29: forgets ids that have been idle for seven days', async () => {
    const world = await startFresh()
    const producer = init(world)
    world.transactions.tick(nowMs + 604_800_000)
    expect(world.transactions.list()).toHaveLength(1)
    world.transactions.tick(nowMs + 604_800_001)
    expect(world.transactions.list()).toEqual([])
    expect(add(world, producer, 'a')).toBe(KafkaError.INVALID_PRODUCER_ID_MAPPING.code)
  })
})

describe('statement 37: after power is cut', () => {
  it('statement 37: a transaction without a durable end is aborted on every partition, and its producer fenced', async () => {
    const before = await startFresh()
    const producer = init(before)
    for (const topic of ['a', 'b']) {
      add(before, producer, topic)
      produce(before, producer, topic, 0)
    }
    await settle(before)
    end(before, producer, true)
    const world = await restart(before)
    expect(world.transactions.describe('tx')).toMatchObject({ state: 'CompleteAbort', producerEpoch: 1 })
    expect(end(world, producer, true).errorCode).toBe(KafkaError.PRODUCER_FENCED.code)
    await settle(world)
    for (const topic of ['a', 'b']) {
      expect(await read(world, topic, 'read_committed')).toEqual(['<abort>'])
      expect(partition(world, topic).lastStableOffset).toBe(2)
    }
    const again = await restart(world)
    await settle(again)
    expect(await read(again, 'a', 'read_uncommitted')).toEqual(['tx0', '<abort>'])
  })

  it('a transaction with a durable end is committed on every partition, its offsets too, exactly once', async () => {
    const before = await startFresh()
    const producer = init(before)
    for (const topic of ['a', 'b']) {
      add(before, producer, topic)
      produce(before, producer, topic, 0)
    }
    before.transactions.addOffsets({ ...producer, groupId: 'g', nowMs })
    const offset = { topic: 'a', partition: 1, offset: 9, leaderEpoch: 0, metadata: 'm' }
    stage(before, producer, 'g', offset)
    await before.storage.durable(end(before, producer, true).lsn)
    const world = await restart(before)
    expect(world.offsets.committed).toEqual(before.offsets.committed)
    for (const topic of ['a', 'b']) expect(await read(world, topic, 'read_committed')).toEqual(['tx0', '<commit>'])
    expect(world.transactions.list()).toEqual(before.transactions.list())
    expect(end(world, producer, true).errorCode).toBe(0)
    expect(end(world, producer, false).errorCode).toBe(KafkaError.INVALID_TXN_STATE.code)
  })

  it('a transaction that was open at a checkpoint goes on as if there had been none', async () => {
    const world = await startFresh()
    const producer = init(world)
    add(world, producer, 'a')
    produce(world, producer, 'a', 0)
    const other = init(world, 'other')
    add(world, other, 'a')
    produce(world, other, 'a', 0)
    end(world, other, false)
    await world.storage.checkpoint()
    produce(world, producer, 'a', 1)
    await world.storage.durable(end(world, producer, true).lsn)
    const after = await restart(world)
    expect(await read(after, 'a', 'read_committed')).toEqual(['tx0', '<abort>', 'tx1', '<commit>'])
    expect(after.transactions.list()).toEqual(world.transactions.list())
    expect(partition(after, 'a').describeProducers()).toEqual(partition(world, 'a').describeProducers())
  })

  it.each([
    ['the first', false],
    ['the second', true],
  ] as const)('at every file operation each transaction of %s generation is whole or absent', async (_, adds) => {
    const script = async (world: TransactionWorld, log: string[]): Promise<void> => {
      let producer: Producer = init(world)
      await settle(world)
      for (let n = 0; n < 3; n++) {
        for (const topic of ['a', 'b']) {
          if (!adds) add(world, producer, topic)
          produce(world, producer, topic, adds ? 0 : n, { adds })
        }
        if (n === 1) await world.storage.checkpoint()
        const { lsn, producerId, producerEpoch } = end(world, producer, n !== 1, adds)
        await world.storage.durable(lsn)
        producer = { ...producer, producerId, producerEpoch }
        if (n !== 1) log.push('<commit>')
      }
      await world.storage.close()
    }
    const whole = await startFresh()
    await settle(whole)
    const before = whole.files.operations
    await script(whole, [])
    for (let operations = 0; operations <= whole.files.operations - before; operations++) {
      const world = await startFresh()
      await settle(world)
      world.files.stopAfter(operations)
      const acknowledged: string[] = []
      await script(world, acknowledged).catch(() => {})
      for (const fate of ['keep', 'drop', 'torn'] as const) {
        const after = await start(world.files.clone().crash(fate))
        await settle(after)
        const [a, b] = [await read(after, 'a', 'read_committed'), await read(after, 'b', 'read_committed')]
        expect(a, `${operations} operations, ${fate}`).toEqual(b)
        // All or nothing: a record for each commit, and no commit that was acknowledged is missing.
        const commits = a.filter((value) => value === '<commit>')
        expect(commits.length).toBeGreaterThanOrEqual(acknowledged.length)
        expect(a.filter((value) => value.startsWith('tx'))).toHaveLength(commits.length)
        expect(partition(after, 'a').lastStableOffset).toBe(partition(after, 'a').logEndOffset)
      }
    }
  })
})
