import { buildRecordBatch, KafkaError, readBatchHeader, type RecordBatchInput } from '@keyfold/protocol'
import { MemoryFiles, openStorage, type Storage } from '@keyfold/storage'
import { afterEach, describe, expect, it } from 'vitest'

import type { MarkerRequest } from './marker-rules.ts'
import { PartitionRegistry } from './partition-registry.ts'
import type { Partition } from './partition.ts'
import { TransactionVerifications } from './transaction-verification.ts'

const nowMs = 1_700_000_000_000
const open: Storage[] = []

afterEach(async () => {
  for (const storage of open.splice(0)) await storage.close().catch(() => {})
})

async function start(
  files = new MemoryFiles(),
): Promise<{ files: MemoryFiles; storage: Storage; at: () => Partition }> {
  const storage = await openStorage({ files, onFatal: () => {} })
  const registry = new PartitionRegistry({ storage })
  await storage.recover({ observer: registry, states: [registry] })
  open.push(storage)
  const at = () => {
    const partition = registry.get('orders', 0)
    if (partition === undefined) throw new Error('no partition')
    return partition
  }
  return { files, storage, at }
}

async function startFresh() {
  const world = await start()
  world.storage.appendAtomic(world.storage.partitions.creation('orders', [0]))
  return { ...world, partition: world.at() }
}

function batch(baseSequence: number, overrides: Partial<RecordBatchInput> = {}): Buffer {
  const records = [{ key: null, value: Buffer.from('v') }]
  const producer = { producerId: 7, producerEpoch: 0, isTransactional: true }
  return buildRecordBatch({ records, timestamp: nowMs, baseSequence, ...producer, ...overrides })
}

/** The name of the error of a batch that the coordinator has let in. */
function append(partition: Partition, bytes: Buffer): string {
  return nameOf(partition.append({ batch: bytes, nowMs, isTransactionVerified: true }).errorCode)
}

function expected(partition: Partition, bytes: Buffer): string {
  return partition.expectTransactional({ ...readBatchHeader(bytes), mustStartAtZero: false }).name
}

function mark(partition: Partition, overrides: Partial<MarkerRequest> = {}): string {
  const marker = {
    producerId: 7,
    producerEpoch: 0,
    committed: false,
    coordinatorEpoch: 0,
    transactionVersion: 0,
    nowMs,
  }
  return nameOf(partition.writeMarker({ ...marker, ...overrides }).errorCode)
}

function nameOf(code: number): string {
  return Object.values(KafkaError).find((error) => error.code === code)?.name ?? '?'
}

describe('a batch that was refused before its transaction reached the partition', () => {
  it('statement 16: has to come again before the ones behind it', async () => {
    const { partition } = await startFresh()
    expect(expected(partition, batch(4))).toBe('NONE')
    expect(expected(partition, batch(5))).toBe('NONE')
    expect(append(partition, batch(5))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(append(partition, batch(4))).toBe('NONE')
    expect(append(partition, batch(5))).toBe('NONE')
  })

  it('statement 16: is forgotten with a new epoch, with its repetition, and when too many wait', async () => {
    const { partition } = await startFresh()
    expected(partition, batch(0))
    expected(partition, batch(0, { producerEpoch: 1 }))
    expect(append(partition, batch(0, { producerEpoch: 1 }))).toBe('NONE')
    mark(partition, { producerEpoch: 1, committed: true })
    // A late repetition is no reason to refuse what follows.
    expected(partition, batch(0, { producerEpoch: 1 }))
    expect(append(partition, batch(0, { producerEpoch: 1 }))).toBe('NONE')
    expect(append(partition, batch(1, { producerEpoch: 1 }))).toBe('NONE')
    const verifications = new TransactionVerifications()
    for (let producerId = 0; producerId <= 10_000; producerId++)
      verifications.note({ producerId, producerEpoch: 0, baseSequence: 3, mustStartAtZero: false })
    expect([verifications.lowestSequence(0), verifications.lowestSequence(1)]).toEqual([undefined, 3])
  })

  it('statement 15: an older epoch needs no coordinator to be refused', async () => {
    const { partition } = await startFresh()
    append(partition, batch(0, { producerEpoch: 3 }))
    expect(expected(partition, batch(1, { producerEpoch: 2 }))).toBe('INVALID_PRODUCER_EPOCH')
  })
})

it('statement 17: a producer with an open transaction does not expire', async () => {
  const { partition } = await startFresh()
  append(partition, batch(0))
  append(partition, batch(1, { timestamp: -1 }))
  // Not that of the last batch, as Kafka has it: a batch without a timestamp makes nobody old.
  expect(partition.describeProducers()).toMatchObject([{ lastSequence: 1, lastTimestamp: nowMs }])
  partition.upkeep.expireProducers(nowMs + 100_000_000)
  expect(partition.describeProducers()).toHaveLength(1)
  mark(partition)
  partition.upkeep.expireProducers(nowMs + 100_000_000)
  expect(partition.describeProducers()).toEqual([])
})

describe('markers from outside', () => {
  it('statement 30: end what is open, also twice; an older epoch or coordinator is refused', async () => {
    const { partition, storage } = await startFresh()
    append(partition, batch(0))
    await storage.durable(storage.lastLsn)
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([0, 1])
    expect(mark(partition, { coordinatorEpoch: 5 })).toBe('NONE')
    await storage.durable(storage.lastLsn)
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([2, 2])
    expect(mark(partition, { coordinatorEpoch: 4 })).toBe('TRANSACTION_COORDINATOR_FENCED')
    expect(mark(partition, { coordinatorEpoch: 5 })).toBe('NONE')
    expect(mark(partition, { coordinatorEpoch: 5, producerEpoch: 2 })).toBe('NONE')
    expect(mark(partition, { coordinatorEpoch: 5, producerEpoch: 1 })).toBe('INVALID_PRODUCER_EPOCH')
    expect(mark(partition, { producerEpoch: -1 })).toBe('INVALID_PRODUCER_EPOCH')
    expect(partition.describeProducers()).toMatchObject([{ producerEpoch: 2, coordinatorEpoch: 5, lastSequence: -1 }])
  })

  it('statement 30: of transaction version 2 need a greater epoch than the records they end', async () => {
    const { partition } = await startFresh()
    append(partition, batch(0))
    expect(mark(partition, { transactionVersion: 2 })).toBe('INVALID_PRODUCER_EPOCH')
    expect(mark(partition, { transactionVersion: 2, producerEpoch: 1 })).toBe('NONE')
    // Nothing is open any more: the same marker again.
    expect(mark(partition, { transactionVersion: 2, producerEpoch: 1 })).toBe('NONE')
  })

  it('statement 30: for a producer that nobody knows make it known', async () => {
    const { partition } = await startFresh()
    expect(mark(partition, { producerId: 99, producerEpoch: 3 })).toBe('NONE')
    expect(partition.describeProducers()).toMatchObject([
      { producerId: 99, producerEpoch: 3, currentTxnStartOffset: -1 },
    ])
  })

  it('statement 30: are never followed by an older coordinator epoch of our own', async () => {
    const { partition, storage } = await startFresh()
    append(partition, batch(0))
    mark(partition, { coordinatorEpoch: 5 })
    append(partition, batch(1))
    storage.appendAtomic([partition.marker({ producerId: 7, producerEpoch: 0, committed: true, nowMs })])
    expect(partition.describeProducers()).toMatchObject([{ coordinatorEpoch: 5, currentTxnStartOffset: -1 }])
  })

  it('statement 37: survive a power cut, as does the transaction that nobody ends', async () => {
    const { partition, storage, files } = await startFresh()
    append(partition, batch(0))
    append(partition, batch(0, { producerId: 8 }))
    mark(partition, { committed: true })
    await storage.durable(storage.lastLsn)
    const after = (await start(files.crash('drop'))).at()
    expect(after.describeProducers()).toEqual(partition.describeProducers())
    expect([after.lastStableOffset, after.highWatermark]).toEqual([1, 3])
  })
})
