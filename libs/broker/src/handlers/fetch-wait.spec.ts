import { buildRecordBatch, CreateTopics, Fetch, Metadata } from '@keyfold/protocol'
import { MemoryFiles } from '@keyfold/storage'
import { expect, it } from 'vitest'
import type { Partition } from '../partition/partition.ts'
import { startBroker } from '../server/start-broker.ts'
import { BrokerRehearsal } from '../testing/broker-rehearsal.ts'
import { WireClient } from '../testing/wire-client.ts'
import { type FetchTarget, type FetchWait, waitForData } from './fetch-wait.ts'
import type { Call } from './handler.ts'

const nowMs = 1_700_000_000_000

interface World {
  readonly rehearsal: BrokerRehearsal
  readonly partitions: readonly [Partition, Partition]
}

async function open(): Promise<World> {
  const rehearsal = await BrokerRehearsal.open(new MemoryFiles())
  const { broker } = rehearsal
  await broker.storage.durable(broker.catalog.create({ name: 't', partitionCount: 2, configs: new Map() }))
  const [first, second] = [broker.partitions.get('t', 0), broker.partitions.get('t', 1)]
  if (first === undefined || second === undefined) throw new Error('a topic with two partitions expected')
  return { rehearsal, partitions: [first, second] }
}

function target(partition: Partition | undefined, maxBytes = 1000): FetchTarget {
  return { partition, offset: 0, maxBytes }
}

/** A wait of a client that is there until it is told to go; `state` says what has become of it by now. */
function waiting({ rehearsal }: World, wait: Partial<FetchWait>) {
  let end: () => void = () => {}
  const call: Call = {
    version: 17,
    correlationId: 1,
    clientId: 'c',
    clientHost: '/h',
    onEnded: (listener) => {
      end = listener
      return () => {}
    },
  }
  let state: 'waits' | 'answered' | 'given up' = 'waits'
  const whole: FetchWait = { targets: [], isolation: 'read_uncommitted', minBytes: 1, maxWaitMs: 1000, ...wait }
  void waitForData(rehearsal.broker, call, whole).then((isWanted) => {
    state = isWanted ? 'answered' : 'given up'
  })
  return {
    hangUp: () => end(),
    async state() {
      await new Promise((resolve) => setImmediate(resolve))
      return state
    },
  }
}

async function append({ rehearsal }: World, partition: Partition): Promise<number> {
  const batch = buildRecordBatch({ records: [{ key: null, value: Buffer.alloc(100) }], timestamp: nowMs })
  const { lsn } = partition.append({ batch, nowMs })
  await rehearsal.broker.storage.durable(lsn)
  return batch.length
}

it('statement 38: a fetch waits for its minimum, and no longer than it said', async () => {
  const world = await open()
  const { partitions, rehearsal } = world
  const size = await append(world, partitions[0])
  const patient = waiting(world, { targets: [target(partitions[0])], minBytes: size + 1 })
  const hasty = waiting(world, { targets: [target(partitions[0])], minBytes: size + 1, maxWaitMs: 400 })
  expect([await patient.state(), await hasty.state()]).toEqual(['waits', 'waits'])
  rehearsal.pass(400)
  expect([await patient.state(), await hasty.state()]).toEqual(['waits', 'answered'])
  await append(world, partitions[0])
  expect(await patient.state()).toBe('answered')
  await rehearsal.broker.close()
})

it('statement 38: of each partition no more counts than may be sent of it', async () => {
  const world = await open()
  const { partitions, rehearsal } = world
  await append(world, partitions[0])
  const limited = waiting(world, { targets: partitions.map((each) => target(each, 10)), minBytes: 20 })
  expect(await limited.state()).toBe('waits')
  await append(world, partitions[0])
  expect(await limited.state()).toBe('waits')
  await append(world, partitions[1])
  expect(await limited.state()).toBe('answered')
  await rehearsal.broker.close()
})

it('statement 38: with read_committed only what is decided counts', async () => {
  const world = await open()
  const { partitions, rehearsal } = world
  const { transactions, storage } = rehearsal.broker
  const { producerId } = transactions.initProducerId({ transactionalId: 'tx', timeoutMs: 60_000, nowMs })
  const producer = { transactionalId: 'tx', producerId, producerEpoch: 0 }
  transactions.addPartitions({ ...producer, nowMs, partitions: [{ topic: 't', partition: 0 }] })
  const targets = [target(partitions[0])]
  const committed = waiting(world, { targets, isolation: 'read_committed' })
  const uncommitted = waiting(world, { targets })
  const records = [{ key: null, value: Buffer.alloc(10) }]
  const own = { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true, timestamp: nowMs }
  const batch = buildRecordBatch({ records, ...own })
  await storage.durable(partitions[0].append({ batch, nowMs, isTransactionVerified: true }).lsn)
  expect([await committed.state(), await uncommitted.state()]).toEqual(['waits', 'answered'])
  await storage.durable(transactions.endTxn({ ...producer, committed: true, bumpsEpoch: false, nowMs }).lsn)
  expect(await committed.state()).toBe('answered')
  await rehearsal.broker.close()
})

it('statement 38: an error on any partition answers at once', async () => {
  const world = await open()
  const { partitions, rehearsal } = world
  expect(await waiting(world, { targets: [target(partitions[0]), target(undefined)] }).state()).toBe('answered')
  const beyond = { ...target(partitions[1]), offset: 7 }
  expect(await waiting(world, { targets: [target(partitions[0]), beyond] }).state()).toBe('answered')
  await rehearsal.broker.close()
})

it('statement 43: who does not want to wait is answered, who is gone is not', async () => {
  const world = await open()
  const { partitions, rehearsal } = world
  const targets = [target(partitions[0])]
  expect(await waiting(world, { targets, maxWaitMs: 0 }).state()).toBe('answered')
  const left = waiting(world, { targets })
  left.hangUp()
  expect(await left.state()).toBe('given up')
  await append(world, partitions[0])
  expect(await left.state()).toBe('given up')
  await rehearsal.broker.close()
})

it('statement 43: a broker that ends lets nobody wait', async () => {
  const broker = await startBroker({ memory: true, config: { 'keyfold.fetch.wait.max.ms': 600_000 } })
  const address = { host: '127.0.0.1', port: Number(broker.address.split(':')[1]) }
  const [client, other] = [new WireClient(address), new WireClient(address)]
  const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  await other.call(CreateTopics, 5, { topics })
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
  client.send(Fetch, 12, { maxWaitMs: 600_000, minBytes: 1, topics: [{ topic: 't', partitions }] })
  await other.call(Metadata, 6, { topics: [], allowAutoTopicCreation: false })
  await broker.close()
  while ((await client.next()) !== undefined) continue
  expect(client.isClosed).toBe(true)
  other.close()
})
