import { buildRecordBatch } from '@keyfold/protocol'
import { MemoryFiles } from '@keyfold/storage'
import { describe, expect, it } from 'vitest'
import type { Broker } from './broker.ts'
import { type LogLine, logTo } from './log.ts'
import type { Partition } from './partition/partition.ts'
import { BrokerRehearsal, HandClock } from './testing/broker-rehearsal.ts'

/** Durability and recovery of a broker as a whole (statements 84 to 91); single files and bytes are storage's tests. */

const nowMs = 1_700_000_000_000
const timeoutMs = 60_000

function partitionOf(broker: Broker, topic: string, index = 0): Partition {
  const partition = broker.partitions.get(topic, index)
  if (partition === undefined) throw new Error(`${topic}-${index} is not there`)
  return partition
}

function createTopic(broker: Broker, name: string, partitionCount = 1): Promise<void> {
  return broker.storage.durable(broker.catalog.create({ name, partitionCount, configs: new Map() }))
}

interface Producer {
  readonly producerId: number
  readonly producerEpoch: number
}

function append(partition: Partition, value: string, producer?: Producer & { baseSequence: number }): number {
  const records = [{ key: null, value: Buffer.from(value) }]
  const batch = buildRecordBatch({ records, timestamp: nowMs, ...producer })
  const { errorCode, lsn } = partition.append({ batch, nowMs })
  expect(errorCode).toBe(0)
  return lsn
}

/** One transaction over the first partitions of `t`, with an offset of group `g`; resolves when its end is durable. */
async function transact(broker: Broker, count: number): Promise<void> {
  const { transactions, storage } = broker
  const { producerId, producerEpoch } = transactions.initProducerId({ transactionalId: 'tx', timeoutMs, nowMs })
  const producer = { transactionalId: 'tx', producerId, producerEpoch }
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic: 't', partition }))
  transactions.addPartitions({ ...producer, nowMs, partitions })
  for (const { partition } of partitions) {
    const records = [{ key: null, value: Buffer.from('tx') }]
    const own = { producerId, producerEpoch, baseSequence: 0, isTransactional: true, timestamp: nowMs }
    const batch = buildRecordBatch({ records, ...own })
    partitionOf(broker, 't', partition).append({ batch, nowMs, isTransactionVerified: true })
  }
  transactions.addOffsets({ ...producer, nowMs, groupId: 'g' })
  const offset = { topic: 't', partition: 0, offset: 7, leaderEpoch: -1, metadata: null }
  transactions.stageOffsets({ ...producer, nowMs, groupId: 'g', offsets: [offset] })
  await storage.durable(transactions.endTxn({ ...producer, committed: true, bumpsEpoch: false, nowMs }).lsn)
}

/** Runs the work with a disk that goes away after so many operations, and opens what a power cut leaves of it. */
async function cutAfter(operations: number, work: (broker: Broker) => Promise<void>): Promise<Broker> {
  const files = new MemoryFiles()
  const { broker } = await BrokerRehearsal.open(files)
  await createTopic(broker, 't', 3)
  files.stopAfter(operations)
  await work(broker).catch(() => {})
  const reopened = await BrokerRehearsal.open(files.crash((_, index) => (index % 2 === 0 ? 'keep' : 'drop')))
  return reopened.broker
}

/** The log's state as recovery tells it. */
async function reopen(files: MemoryFiles) {
  const lines: LogLine[] = []
  const log = logTo((line) => void lines.push(line))
  const { broker } = await BrokerRehearsal.open(files, {}, new HandClock(), { log })
  const recovered = lines.find(({ event }) => event === 'storage.recovered')?.fields
  return { broker, checkpointLsn: Number(recovered?.['checkpointLsn']), lastLsn: Number(recovered?.['lastLsn']) }
}

describe('a clean end', () => {
  it('statement 84: leaves nothing to be read again; after a kill the journal is', async () => {
    for (const isClean of [true, false]) {
      const files = new MemoryFiles()
      const { broker } = await BrokerRehearsal.open(files)
      await createTopic(broker, 't')
      const { producerId } = broker.transactions.initProducerId({ transactionalId: null, timeoutMs, nowMs })
      for (let baseSequence = 0; baseSequence < 5; baseSequence++) {
        append(partitionOf(broker, 't'), 'x', { producerId, producerEpoch: 0, baseSequence })
      }
      await broker.storage.durable(broker.storage.lastLsn)
      await broker.storage.durable(partitionOf(broker, 't').deleteRecordsBefore(2).lsn)
      const producers = partitionOf(broker, 't').describeProducers()
      if (isClean) await broker.close()
      const found = await reopen(isClean ? files : files.kill())
      expect(found.lastLsn === found.checkpointLsn).toBe(isClean)
      const partition = partitionOf(found.broker, 't')
      expect([partition.logStartOffset, partition.highWatermark]).toEqual([2, 5])
      expect(partition.describeProducers()).toEqual(producers)
      await found.broker.close()
    }
  })
})

describe('a power cut', () => {
  const moments = [0, 1, 2, 3, 5, 8, 13, 21]

  it('statement 87: may part what one request wrote to several partitions, but keeps what was acknowledged', async () => {
    for (const operations of moments) {
      let acknowledged = 0
      const broker = await cutAfter(operations, async (running) => {
        const lsns = [0, 1, 2].map((index) => append(partitionOf(running, 't', index), 'plain'))
        await running.storage.durable(Math.max(...lsns))
        acknowledged = 1
      })
      const ends = [0, 1, 2].map((index) => partitionOf(broker, 't', index).highWatermark)
      for (const end of ends) expect([acknowledged, 1]).toContain(end)
      await broker.close()
    }
  })

  it('statement 89: parts no transaction, and takes no data or offsets from under a decision', async () => {
    const decisions = new Set<boolean>()
    for (const operations of moments) {
      const broker = await cutAfter(operations, (running) => transact(running, 3))
      const committed = broker.transactions.describe('tx').state === 'CompleteCommit'
      decisions.add(committed)
      expect(broker.offsets.get('g', { topic: 't', partition: 0 })?.offset).toBe(committed ? 7 : undefined)
      for (const index of [0, 1, 2]) {
        const { highWatermark, lastStableOffset, abortedTransactions } = partitionOf(broker, 't', index)
        // A record and its marker. What an unfinished transaction has left is aborted.
        if (committed) expect(lastStableOffset).toBe(2)
        expect(abortedTransactions).toHaveLength(committed || highWatermark < 2 ? 0 : 1)
      }
      await broker.close()
    }
    expect(decisions).toEqual(new Set([true, false]))
  })
})

describe('a sync', () => {
  it('statement 88: is what an acknowledgement waits for; one that fails ends the broker, and is not tried again', async () => {
    const files = new MemoryFiles()
    const fatal: string[] = []
    const { broker } = await BrokerRehearsal.open(files, {}, new HandClock(), {
      onFatal: ({ code }) => void fatal.push(code),
    })
    await createTopic(broker, 't')
    const partition = partitionOf(broker, 't')
    const first = append(partition, 'synced')
    expect(partition.highWatermark).toBe(0)
    await broker.storage.durable(first)
    expect(partition.highWatermark).toBe(1)
    files.failNext('fdatasync', new Error('the disk is broken'), '0000000001.journal')
    const refused = broker.storage.durable(append(partition, 'not synced'))
    await expect(refused).rejects.toThrow()
    expect(fatal).toEqual(['STORAGE_FAILED'])
    expect(partition.highWatermark).toBe(1)
    expect(broker.storage.acceptsWrites).toBe(false)
    const { broker: next } = await BrokerRehearsal.open(files.crash('drop'))
    expect(partitionOf(next, 't').highWatermark).toBe(1)
    await next.close()
  })
})

describe('time', () => {
  it('statement 29: transactions that run out of it are ended within a second', async () => {
    const clock = new HandClock()
    const rehearsal = await BrokerRehearsal.open(new MemoryFiles(), {}, clock)
    const { broker } = rehearsal
    await createTopic(broker, 't')
    const opened = broker.transactions.initProducerId({ transactionalId: 'tx', timeoutMs, nowMs: clock.steady() })
    const { producerId, producerEpoch } = opened
    const owner = { transactionalId: 'tx', producerId, producerEpoch, nowMs: clock.steady() }
    broker.transactions.addPartitions({ ...owner, partitions: [{ topic: 't', partition: 0 }] })
    rehearsal.pass(timeoutMs)
    expect(broker.transactions.describe('tx').state).toBe('Ongoing')
    rehearsal.pass(1_000)
    expect(broker.transactions.describe('tx').state).toBe('CompleteAbort')
    await broker.close()
  })
})

describe('a clock that is set', () => {
  it('statement 91: back or forward moves no session and no transaction', async () => {
    const clock = new HandClock()
    const rehearsal = await BrokerRehearsal.open(new MemoryFiles(), {}, clock)
    const { broker } = rehearsal
    await createTopic(broker, 't')
    const opened = broker.transactions.initProducerId({ transactionalId: 'tx', timeoutMs, nowMs: clock.steady() })
    const { producerId, producerEpoch } = opened
    const partitions = [{ topic: 't', partition: 0 }]
    const owner = { transactionalId: 'tx', producerId, producerEpoch }
    broker.transactions.addPartitions({ ...owner, nowMs: clock.steady(), partitions })
    const member = await join(rehearsal)
    const isMember = () => broker.groups.get('g')?.members.has(member) ?? false
    for (const ahead of [-3_600_000, 3_600_000]) {
      clock.setWallAhead(ahead)
      rehearsal.pass(4_000)
      expect(isMember()).toBe(true)
      expect(broker.transactions.describe('tx').state).toBe('Ongoing')
    }
    rehearsal.pass(4_000)
    expect(isMember()).toBe(false)
    rehearsal.pass(timeoutMs)
    expect(broker.transactions.describe('tx').state).toBe('CompleteAbort')
    await broker.close()
  })
})

/** A member with a session of ten seconds that has joined and been answered; returns its id. */
async function join(rehearsal: BrokerRehearsal): Promise<string> {
  const joined = new Promise<string>((resolve) => {
    const who = { groupId: 'g', memberId: '', groupInstanceId: null, clientId: 'c', clientHost: '/h' }
    const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 600_000 }
    const offered = { protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }] }
    const client = { memberIdRequired: false, canSkipAssignment: false }
    rehearsal.broker.groups.join({ ...who, ...times, ...offered, ...client }, ({ memberId }) => resolve(memberId))
  })
  rehearsal.pass(0)
  return joined
}
