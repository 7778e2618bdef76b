import { buildRecordBatch, KafkaError } from '@keyfold/protocol'
import { afterEach, describe, expect, it } from 'vitest'

import { TransactionCoordinator } from './transaction-coordinator.ts'

import {
  add,
  closeAll,
  end,
  init,
  nowMs,
  partition,
  produce,
  type Producer,
  read,
  restart,
  settle,
  stage,
  startFresh,
  timeoutMs,
} from '../testing/transaction-rehearsal.ts'

afterEach(closeAll)

const codes = (...errors: KafkaError[]): number[] => errors.map(({ code }) => code)

describe('InitProducerId', () => {
  it('statement 20: without a transactional id gives fresh ids with epoch 0, never one twice, also after restarts', async () => {
    let world = await startFresh()
    const seen = new Set<number>()
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 5; n++) {
        const { producerId, producerEpoch, lsn } = world.transactions.initProducerId({
          transactionalId: null,
          timeoutMs,
          nowMs,
        })
        await world.storage.durable(lsn)
        expect(producerEpoch).toBe(0)
        expect(seen.has(producerId)).toBe(false)
        seen.add(producerId)
      }
      if (round === 1) await world.storage.checkpoint()
      world = await restart(world)
    }
  })

  it('statement 20: an id and epoch that are named without a transactional id do not count: the id is fresh', async () => {
    const { transactions } = await startFresh()
    const request = { transactionalId: null, timeoutMs, nowMs }
    const first = transactions.initProducerId(request)
    const named = { expectedProducerId: first.producerId, expectedProducerEpoch: 0 }
    const again = transactions.initProducerId({ ...request, ...named })
    expect(again).toMatchObject({ errorCode: 0, producerEpoch: 0 })
    expect(again.producerId).not.toBe(first.producerId)
  })

  it('statement 20: goes on when a block of 1000 ids is used up', async () => {
    const { transactions } = await startFresh()
    const ids = Array.from(
      { length: 2500 },
      () => transactions.initProducerId({ transactionalId: null, timeoutMs, nowMs }).producerId,
    )
    expect(new Set(ids).size).toBe(2500)
  })

  it('statement 21: refuses an empty id and timeouts out of bounds', async () => {
    const { transactions } = await startFresh()
    const codeOf = (transactionalId: string, timeout: number) =>
      transactions.initProducerId({ transactionalId, timeoutMs: timeout, nowMs }).errorCode
    expect([codeOf('', 1000), codeOf('tx', 0), codeOf('tx', 900_001), codeOf('tx', 900_000)]).toEqual([
      ...codes(
        KafkaError.INVALID_REQUEST,
        KafkaError.INVALID_TRANSACTION_TIMEOUT,
        KafkaError.INVALID_TRANSACTION_TIMEOUT,
      ),
      0,
    ])
  })

  it('statement 21: there is a bound on transactional ids, which Kafka does not have', async () => {
    const { storage, registry: partitions, offsets } = await startFresh()
    const transactions = new TransactionCoordinator({
      storage,
      partitions,
      offsets,
      settings: { transactionalIdsMax: 0 },
    })
    const { errorCode } = transactions.initProducerId({ transactionalId: 'one too many', timeoutMs, nowMs })
    expect(errorCode).toBe(KafkaError.POLICY_VIOLATION.code)
  })

  it('statement 21: first epoch 0, then one more for the same producer id, and the older producer is fenced', async () => {
    const world = await startFresh()
    const first = init(world)
    const second = init(world)
    expect(first.producerEpoch).toBe(0)
    expect(second).toMatchObject({ producerId: first.producerId, producerEpoch: 1, errorCode: 0 })
    expect(add(world, first, 'a')).toBe(KafkaError.PRODUCER_FENCED.code)
    expect(add(world, second, 'a')).toBe(0)
  })

  it('statement 22: aborts a running transaction, answers CONCURRENT_TRANSACTIONS, and bumps once more on the retry', async () => {
    const world = await startFresh()
    const first = init(world)
    add(world, first, 'a')
    produce(world, first, 'a', 0)
    expect(init(world).errorCode).toBe(KafkaError.CONCURRENT_TRANSACTIONS.code)
    expect(init(world)).toMatchObject({ errorCode: 0, producerId: first.producerId, producerEpoch: 2 })
    expect(end(world, first, true).errorCode).toBe(KafkaError.PRODUCER_FENCED.code)
    await settle(world)
    expect(await read(world, 'a', 'read_committed')).toEqual(['<abort>'])
  })

  it('statement 23: with the current epoch bumps, with the last one answers again, otherwise fences', async () => {
    const world = await startFresh()
    const first = init(world)
    const second = init(world, 'tx', first)
    expect(second.producerEpoch).toBe(1)
    expect(init(world, 'tx', first)).toMatchObject({ errorCode: 0, producerEpoch: 1 })
    expect(init(world, 'tx', second).producerEpoch).toBe(2)
    expect(init(world, 'tx', first).errorCode).toBe(KafkaError.PRODUCER_FENCED.code)
    expect(init(world, 'tx', { ...second, producerId: 999 }).errorCode).toBe(KafkaError.PRODUCER_FENCED.code)
  })

  it('statement 24: takes a new producer id when the epochs are used up; the retry with the old one is accepted', async () => {
    const world = await startFresh()
    let producer = init(world)
    while (producer.producerEpoch < 32_766) producer = init(world, 'tx', producer)
    const rotated = init(world, 'tx', producer)
    expect(rotated.producerId).not.toBe(producer.producerId)
    expect(rotated.producerEpoch).toBe(0)
    expect(init(world, 'tx', producer)).toMatchObject({
      errorCode: 0,
      producerId: rotated.producerId,
      producerEpoch: 0,
    })
    expect(end(world, producer, true).errorCode).toBe(KafkaError.INVALID_PRODUCER_ID_MAPPING.code)
  })
})

describe('adding to a transaction', () => {
  it('statement 25: judges id, producer and epoch; what is known already costs no entry', async () => {
    const world = await startFresh()
    const producer = init(world)
    expect(add(world, { ...producer, transactionalId: 'other' }, 'a')).toBe(KafkaError.INVALID_PRODUCER_ID_MAPPING.code)
    expect(add(world, { ...producer, producerId: 12_345 }, 'a')).toBe(KafkaError.INVALID_PRODUCER_ID_MAPPING.code)
    expect(add(world, { ...producer, producerEpoch: 1 }, 'a')).toBe(KafkaError.PRODUCER_FENCED.code)
    expect(add(world, { ...producer, transactionalId: '' }, 'a')).toBe(KafkaError.INVALID_REQUEST.code)
    expect(add(world, producer, 'missing')).toBe(KafkaError.UNKNOWN_TOPIC_OR_PARTITION.code)
    expect(add(world, producer, 'a')).toBe(0)
    const { lastLsn } = world.storage
    expect(add(world, producer, 'a')).toBe(0)
    expect(world.storage.lastLsn).toBe(lastLsn)
  })

  it('statement 26: refuses a produce for a partition that is not in the transaction', async () => {
    const world = await startFresh()
    const producer = init(world)
    expect(produce(world, producer, 'a', 0)).toBe(KafkaError.TRANSACTION_ABORTABLE.code)
    add(world, producer, 'a', 0)
    expect(produce(world, producer, 'a', 0, { index: 1 })).toBe(KafkaError.TRANSACTION_ABORTABLE.code)
    expect(produce(world, producer, 'a', 0)).toBe(0)
    expect(produce(world, { ...producer, producerEpoch: 5 }, 'a', 1)).toBe(KafkaError.INVALID_PRODUCER_EPOCH.code)
    end(world, producer, true)
    expect(produce(world, producer, 'a', 1)).toBe(KafkaError.TRANSACTION_ABORTABLE.code)
  })

  it('statement 34: takes offsets of a group that was added, and holds them back until the commit', async () => {
    const world = await startFresh()
    const producer = init(world)
    const offset = { topic: 'a', partition: 0, offset: 5, leaderEpoch: -1, metadata: null }
    const commit = (by: Producer) => stage(world, by, 'g', offset)
    expect(commit(producer)).toBe(KafkaError.TRANSACTION_ABORTABLE.code)
    expect(world.transactions.addOffsets({ ...producer, groupId: 'g', nowMs }).errorCode).toBe(0)
    expect(commit({ ...producer, producerEpoch: 9 })).toBe(KafkaError.INVALID_PRODUCER_EPOCH.code)
    expect(commit(producer)).toBe(0)
    expect(world.transactions.hasPendingOffset('g', 'a', 0)).toBe(true)
    expect(world.transactions.hasPendingOffset('g', 'a', 1)).toBe(false)
    expect(world.transactions.hasPendingOffsets('h')).toBe(false)
    expect(world.offsets.committed).toEqual([])
    end(world, producer, true)
    expect(world.transactions.hasPendingOffset('g', 'a', 0)).toBe(false)
    expect(world.offsets.committed).toMatchObject([
      { groupId: 'g', topic: 'a', partition: 0, offset: 5, timestampMs: nowMs },
    ])
  })

  it('statement 35: offsets carry the place of their staging, so that a later commit wins', async () => {
    const world = await startFresh()
    const producer = init(world)
    world.transactions.addOffsets({ ...producer, groupId: 'g', nowMs })
    const offset = { topic: 'a', partition: 0, offset: 5, leaderEpoch: -1, metadata: 'm' }
    stage(world, producer, 'g', offset)
    const { lastLsn } = world.storage
    const ended = end(world, producer, true)
    expect(world.offsets.committed[0]?.lsn).toBe(lastLsn)
    expect(lastLsn).toBeLessThan(ended.lsn)
  })

  it('statement 34: an abort drops the offsets', async () => {
    const world = await startFresh()
    const producer = init(world)
    world.transactions.addOffsets({ ...producer, groupId: 'g', nowMs })
    const offset = { topic: 'a', partition: 0, offset: 5, leaderEpoch: -1, metadata: null }
    stage(world, producer, 'g', offset)
    end(world, producer, false)
    expect(world.offsets.committed).toEqual([])
    expect(world.transactions.hasPendingOffsets('g')).toBe(false)
  })
})

describe('EndTxn', () => {
  it.each([true, false])(
    'statement 27: the same end again is NONE, the other one is refused (committed: %s)',
    async (committed) => {
      const world = await startFresh()
      const producer = init(world)
      expect(end(world, producer, committed).errorCode).toBe(KafkaError.INVALID_TXN_STATE.code)
      add(world, producer, 'a')
      expect(end(world, { ...producer, producerEpoch: 3 }, committed).errorCode).toBe(KafkaError.PRODUCER_FENCED.code)
      expect(end(world, producer, committed).errorCode).toBe(0)
      const { lastLsn } = world.storage
      expect(end(world, producer, committed)).toMatchObject({ errorCode: 0, lsn: lastLsn })
      expect(end(world, producer, !committed).errorCode).toBe(KafkaError.INVALID_TXN_STATE.code)
    },
  )

  it('statement 28: the next transaction may begin before the end of this one is durable', async () => {
    const world = await startFresh()
    const producer = init(world)
    add(world, producer, 'a')
    produce(world, producer, 'a', 0)
    end(world, producer, true)
    // Decision and markers are one entry: there is nothing to wait for in between.
    expect(world.transactions.describe('tx').state).toBe('CompleteCommit')
    expect(add(world, producer, 'a')).toBe(0)
    expect(produce(world, producer, 'a', 1)).toBe(0)
    await settle(world)
    expect(await read(world, 'a', 'read_committed')).toEqual(['tx0', '<commit>'])
  })

  it('costs one sync, whatever belongs to the transaction', async () => {
    const world = await startFresh()
    const producer = init(world)
    await settle(world)
    // The next journal file is being made in the background.
    await new Promise((resolve) => setTimeout(resolve, 20))
    const syncs = world.files.operations
    for (const [topic, index] of [
      ['a', 0],
      ['a', 1],
      ['b', 0],
    ] as const) {
      add(world, producer, topic, index)
      produce(world, producer, topic, 0, { index })
      await Promise.resolve()
    }
    world.transactions.addOffsets({ ...producer, groupId: 'g', nowMs })
    const { lsn } = end(world, producer, true)
    await world.storage.durable(lsn)
    // One write and its sync.
    expect(world.files.operations - syncs).toBe(2)
  })

  it('statement 33: an empty transaction leaves no marker; one with partitions leaves one on each, as Kafka does', async () => {
    const world = await startFresh()
    const producer = init(world)
    world.transactions.addOffsets({ ...producer, groupId: 'g', nowMs })
    end(world, producer, true)
    expect(['a', 'b'].map((topic) => partition(world, topic).logEndOffset)).toEqual([0, 0])
    add(world, producer, 'a')
    add(world, producer, 'b')
    produce(world, producer, 'b', 0)
    end(world, producer, false)
    await settle(world)
    expect(await read(world, 'a', 'read_uncommitted')).toEqual(['<abort>'])
    expect(await read(world, 'b', 'read_uncommitted')).toEqual(['tx0', '<abort>'])
    const request = { offset: 0, maxBytes: 1000, isolation: 'read_committed', minOneBatch: true } as const
    expect((await partition(world, 'a').read(request)).abortedTransactions).toEqual([])
  })

  it('statement 30: a marker takes one offset and its epoch fences older batches', async () => {
    const world = await startFresh()
    const producer = init(world)
    add(world, producer, 'a')
    produce(world, producer, 'a', 0)
    world.transactions.tick(nowMs + timeoutMs + 1)
    await settle(world)
    const from = partition(world, 'a')
    expect(from.highWatermark).toBe(2)
    expect(from.describeProducers()).toMatchObject([
      { producerEpoch: 1, lastSequence: -1, currentTxnStartOffset: -1, coordinatorEpoch: 0 },
    ])
    const late = buildRecordBatch({
      records: [{ key: null, value: null }],
      isTransactional: true,
      baseSequence: 1,
      producerId: producer.producerId,
      producerEpoch: producer.producerEpoch,
    })
    const { errorCode } = from.append({ batch: late, nowMs, isTransactionVerified: true })
    expect(errorCode).toBe(KafkaError.INVALID_PRODUCER_EPOCH.code)
  })

  it('skips partitions that were deleted in the meantime', async () => {
    const world = await startFresh()
    const producer = init(world)
    add(world, producer, 'a')
    add(world, producer, 'b')
    produce(world, producer, 'a', 0)
    produce(world, producer, 'b', 0)
    world.storage.appendAtomic(world.storage.partitions.removal('b'))
    expect(end(world, producer, true).errorCode).toBe(0)
    await settle(world)
    expect(await read(world, 'a', 'read_committed')).toEqual(['tx0', '<commit>'])
  })
})
