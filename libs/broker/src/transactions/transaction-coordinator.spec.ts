import { buildRecordBatch, KafkaError, readBatchHeader, readRecords, readTransactionMarker } from '@keyfold/protocol'
import { eachBatch, MemoryFiles, openStorage, type Storage } from '@keyfold/storage'
import { afterEach, describe, expect, it } from 'vitest'

import type { Isolation } from '../partition/partition-requests.ts'
import { PartitionRegistry } from '../partition/partition-registry.ts'
import type { Partition } from '../partition/partition.ts'
import type { StagedOffset } from './transaction.ts'
import { type ProducerResult, TransactionCoordinator } from './transaction-coordinator.ts'

const nowMs = 1_700_000_000_000
const timeoutMs = 60_000
const limits = { journalFileBytes: 262_144, firstJournalFileBytes: 262_144 }
const open: Storage[] = []

afterEach(async () => {
  for (const storage of open.splice(0)) await storage.close().catch(() => {})
})

/** A group offset store that keeps what transactions hand over. */
class Offsets {
  readonly committed: (StagedOffset & { groupId: string })[] = []

  commitTransactional(groupId: string, offsets: readonly StagedOffset[]): void {
    for (const offset of offsets) this.committed.push({ groupId, ...offset })
  }
}

interface World {
  files: MemoryFiles
  storage: Storage
  registry: PartitionRegistry
  transactions: TransactionCoordinator
  offsets: Offsets
}

async function start(files: MemoryFiles): Promise<World> {
  const storage = await openStorage({ files, onFatal: () => {}, limits })
  const registry = new PartitionRegistry({ storage })
  const offsets = new Offsets()
  const transactions = new TransactionCoordinator({ storage, partitions: registry, offsets })
  await storage.recover({ observer: registry, states: [registry, transactions] })
  transactions.abortUnfinished(nowMs)
  open.push(storage)
  return { files, storage, registry, transactions, offsets }
}

async function startFresh(): Promise<World> {
  const world = await start(new MemoryFiles())
  world.storage.appendAtomic(world.storage.partitions.creation('a', [0, 1]))
  world.storage.appendAtomic(world.storage.partitions.creation('b', [0]))
  return world
}

/** What the next process finds after power was cut. */
function restart(world: World): Promise<World> {
  return start(world.files.crash('drop'))
}

function partition({ registry }: World, topic: string, index = 0): Partition {
  const found = registry.get(topic, index)
  if (found === undefined) throw new Error(`no ${topic}-${index}`)
  return found
}

interface Producer {
  transactionalId: string
  producerId: number
  producerEpoch: number
}

function init({ transactions }: World, transactionalId = 'tx', expected?: Producer): ProducerResult & Producer {
  const result = transactions.initProducerId({
    transactionalId,
    timeoutMs,
    nowMs,
    ...(expected && { expectedProducerId: expected.producerId, expectedProducerEpoch: expected.producerEpoch }),
  })
  return { transactionalId, ...result }
}

function add({ transactions }: World, producer: Producer, topic: string, index = 0): number {
  return transactions.addPartitions({ ...producer, partitions: [{ topic, partition: index }], nowMs }).errorCode
}

function produce(world: World, producer: Producer, topic: string, sequence: number, index = 0): number {
  const at = { topic, partition: index }
  const verified = world.transactions.verifyProduce({ ...producer, ...at })
  if (verified !== 0) return verified
  const batch = buildRecordBatch({
    records: [{ key: null, value: Buffer.from(`${producer.transactionalId}${sequence}`) }],
    timestamp: nowMs,
    isTransactional: true,
    baseSequence: sequence,
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
  })
  return partition(world, topic, index).append({ batch, nowMs, isTransactionVerified: true }).errorCode
}

function end({ transactions }: World, producer: Producer, committed: boolean): ProducerResult {
  return transactions.endTxn({ ...producer, committed, nowMs })
}

async function settle({ storage }: World): Promise<void> {
  await storage.durable(storage.lastLsn)
}

/** Records as a client of this isolation sees them; markers as <commit> and <abort>. */
async function read(world: World, topic: string, isolation: Isolation, index = 0): Promise<string[]> {
  const from = partition(world, topic, index)
  const end = isolation === 'read_committed' ? from.lastStableOffset : from.highWatermark
  const found: string[] = []
  for (let offset = 0; offset < end;) {
    const result = await from.read({ offset, maxBytes: 100_000, isolation, minOneBatch: true })
    const aborted = [...(result.abortedTransactions ?? [])]
    for (const batch of eachBatch(result.records)) {
      const header = readBatchHeader(batch)
      const { producerId, lastOffset } = header
      const isAborted = aborted.some((begun) => begun.producerId === producerId && begun.firstOffset <= lastOffset)
      offset = lastOffset + 1
      for (const record of readRecords(batch)) {
        const marker = header.isControl ? readTransactionMarker(record)?.type : undefined
        if (marker !== undefined) found.push(`<${marker}>`)
        else if (!isAborted) found.push(String(record.value))
        if (marker === 'abort')
          aborted.splice(
            aborted.findIndex((begun) => begun.producerId === producerId),
            1,
          )
      }
    }
  }
  return found
}

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
    expect(produce(world, producer, 'a', 0)).toBe(KafkaError.INVALID_TXN_STATE.code)
    add(world, producer, 'a', 0)
    expect(produce(world, producer, 'a', 0, 1)).toBe(KafkaError.INVALID_TXN_STATE.code)
    expect(produce(world, producer, 'a', 0)).toBe(0)
    expect(produce(world, { ...producer, producerEpoch: 5 }, 'a', 1)).toBe(KafkaError.INVALID_PRODUCER_EPOCH.code)
    end(world, producer, true)
    expect(produce(world, producer, 'a', 1)).toBe(KafkaError.INVALID_TXN_STATE.code)
  })

  it('statement 34: takes offsets of a group that was added, and holds them back until the commit', async () => {
    const world = await startFresh()
    const producer = init(world)
    const offset = { topic: 'a', partition: 0, offset: 5, leaderEpoch: -1, metadata: null }
    const commit = (by: Producer) =>
      world.transactions.txnOffsetCommit({ ...by, groupId: 'g', offsets: [offset], nowMs }).errorCode
    expect(commit(producer)).toBe(KafkaError.INVALID_TXN_STATE.code)
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
    const staged = world.transactions.txnOffsetCommit({ ...producer, groupId: 'g', offsets: [offset], nowMs })
    const ended = end(world, producer, true)
    expect(world.offsets.committed[0]?.lsn).toBe(staged.lsn)
    expect(staged.lsn).toBeLessThan(ended.lsn)
  })

  it('statement 34: an abort drops the offsets', async () => {
    const world = await startFresh()
    const producer = init(world)
    world.transactions.addOffsets({ ...producer, groupId: 'g', nowMs })
    const offset = { topic: 'a', partition: 0, offset: 5, leaderEpoch: -1, metadata: null }
    world.transactions.txnOffsetCommit({ ...producer, groupId: 'g', offsets: [offset], nowMs })
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
      produce(world, producer, topic, 0, index)
      await Promise.resolve()
    }
    world.transactions.addOffsets({ ...producer, groupId: 'g', nowMs })
    const { lsn } = end(world, producer, true)
    await world.storage.durable(lsn)
    // One write and its sync.
    expect(world.files.operations - syncs).toBe(2)
  })

  it('statement 33: leaves no marker where nothing was written', async () => {
    const world = await startFresh()
    const producer = init(world)
    add(world, producer, 'a')
    add(world, producer, 'b')
    produce(world, producer, 'b', 0)
    end(world, producer, true)
    await settle(world)
    expect(await read(world, 'a', 'read_uncommitted')).toEqual([])
    expect(await read(world, 'b', 'read_uncommitted')).toEqual(['tx0', '<commit>'])
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
      state: 'Dead',
    })
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
  it('a transaction without a durable end is aborted on every partition, and its producer fenced', async () => {
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
    before.transactions.txnOffsetCommit({ ...producer, groupId: 'g', offsets: [offset], nowMs })
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

  it('at every file operation, with all, nothing or half of it on the disk, each transaction is whole or absent', async () => {
    const script = async (world: World, log: string[]): Promise<void> => {
      const producer = init(world)
      await settle(world)
      for (let n = 0; n < 3; n++) {
        for (const topic of ['a', 'b']) {
          add(world, producer, topic)
          produce(world, producer, topic, n)
        }
        if (n === 1) await world.storage.checkpoint()
        await world.storage.durable(end(world, producer, n !== 1).lsn)
        if (n !== 1) log.push(`tx${n}`)
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
        expect(a).toEqual(expect.arrayContaining(acknowledged))
        expect(partition(after, 'a').lastStableOffset).toBe(partition(after, 'a').logEndOffset)
      }
    }
  })
})
