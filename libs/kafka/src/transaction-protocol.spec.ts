import { randomUUID } from 'node:crypto'
import { type RunningBroker, startBroker } from '@keyfold/broker'
import { Produce, WriteTxnMarkers } from '@keyfold/protocol'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientSettings } from './client-options.ts'
import { Cluster } from './cluster.ts'
import { connectKafka } from './connect-kafka.ts'
import { lastTransaction } from './forgotten-transactions.ts'
import { Coordinator } from './coordinator.ts'
import type { KafkaClient, TransactionalProducer } from './kafka-client.ts'
import { encodeRecordBatch } from './record-batch-encoder.ts'
import { FencedProducer } from './transactional-producer.ts'
import { behindProxy, committedValues, type FlakyProxy, type SeenRequest } from './testing/index.ts'

const api = { produce: 0, initProducerId: 22, addPartitions: 24, endTxn: 26, describeProducers: 61, describeLast: 65 }

let proxy: FlakyProxy
let broker: RunningBroker
/** Past the proxy, for what no client of the port can do. */
let raw: Cluster
let kafka: KafkaClient
let topic: string

beforeAll(async () => {
  // A node that forgot to end a transaction is played by a late write that is let in, as nodes before 3.6 did.
  const config = {
    'transaction.partition.verification.enable': 'false',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '5',
  }
  ;({ proxy, broker } = await behindProxy((advertised) => startBroker({ memory: true, config, ...advertised })))
  raw = new Cluster(clientSettings({ brokers: [proxy.address], clientId: 'raw' }))
  await raw.connect()
})

afterAll(async () => {
  await raw.close()
  await broker.close()
  await proxy.close()
})

beforeEach(() => {
  topic = `transactions-${randomUUID()}`
})

afterEach(async () => {
  proxy.seen = undefined
  await kafka.close()
})

async function connect(transactionVersionMax: 1 | 2): Promise<void> {
  kafka = await connectKafka({ brokers: [proxy.address], clientId: 'test', transactionVersionMax })
  await kafka.ensureTopics([topic, `${topic}.state`].map((name) => ({ name, partitions: 2 })))
}

const both = () => [topic, `${topic}.state`].map((name) => ({ topic: name, partition: 0 }))
const open = (transactionalId: string, partitions = both()) =>
  kafka.openTransactionalProducer({ transactionalId, transactionTimeoutMs: 15_003, partitions })

const write = (value: string, at = topic) => ({
  topic: at,
  partition: 0,
  records: [{ key: null, value: Buffer.from(value) }],
})
const writeBoth = (value: string) => [write(value), write(value, `${topic}.state`)]

const stored = () => committedValues(kafka, topic)

/** Writes into a transaction that the coordinator has ended already. */
async function writeLate({ transactionalId, producerId, producerEpoch }: TransactionalProducer, baseSequence: number) {
  const records = encodeRecordBatch(write('late').records, { producerId, producerEpoch, baseSequence }, Date.now())
  const link = await raw.linkTo(await raw.leaderOf(topic, 0))
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
  const { responses } = await link.ask(Produce, { transactionalId, acks: -1, timeoutMs: 1_000, topicData }, 7)
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
}

const ended = async (transactionalId: string) => {
  const coordinator = new Coordinator(raw, transactionalId, 'main')
  return lastTransaction(coordinator, await coordinator.link(), transactionalId)
}

describe('on the wire', () => {
  const produced = (version: number) => ({ apiKey: api.produce, version })

  it.each([
    [2, [produced(12), { apiKey: api.endTxn, version: 5 }]],
    [1, [{ apiKey: api.addPartitions, version: 1 }, produced(7), { apiKey: api.endTxn, version: 1 }]],
  ] as const)('a commit of two partitions with version %i is so many requests', async (version, requests) => {
    await connect(version)
    const producer = await open(randomUUID())
    // It learns who leads.
    expect((await producer.commit(writeBoth('first'))).kind).toBe('committed')
    const seen: SeenRequest[] = (proxy.seen = [])
    for (let times = 0; times < 3; times++) expect((await producer.commit(writeBoth('more'))).kind).toBe('committed')
    expect(seen).toEqual([...requests, ...requests, ...requests])
  })

  it('a claim asks how the last transaction ended before the cluster forgets it, and looks into the partitions', async () => {
    await connect(2)
    const id = randomUUID()
    await (await open(id)).commit(writeBoth('first'))
    const seen: SeenRequest[] = (proxy.seen = [])
    await open(id)
    const order = [api.describeLast, api.initProducerId, api.describeProducers]
    expect(seen.map(({ apiKey }) => apiKey).filter((apiKey) => order.includes(apiKey))).toEqual(order)
  })

  it('a commit asks first whether the one before is over, where EndTxn is answered earlier than that', async () => {
    await connect(2)
    const { transactionalId, producerId, producerEpoch } = await open(randomUUID())
    const identity = { transactionalId, producerId, producerEpoch }
    const traits = { transactionTimeoutMs: 15_000, bumpsEpoch: true, endsLater: true }
    const producer = new FencedProducer(raw, new Coordinator(raw, transactionalId, 'main'), identity, traits)
    let seen: SeenRequest[]
    // It asks only when little time has passed, which a busy machine may let pass.
    do {
      seen = proxy.seen = []
      expect((await producer.commit(writeBoth('a'))).kind).toBe('committed')
    } while (!seen.some(({ apiKey }) => apiKey === api.describeLast))
    expect(seen.map(({ apiKey }) => apiKey)).toEqual([api.describeLast, api.produce, api.endTxn])
  })

  it('every transaction of version 2 has an epoch of its own, an aborted one too', async () => {
    await connect(2)
    const producer = await open(randomUUID())
    const epochs: unknown[] = []
    for (const expectedOffset of [0, 1_000, undefined]) {
      const placed = expectedOffset === undefined ? write('a') : { ...write('a'), expectedOffset }
      epochs.push((await producer.commit([placed])).kind, (await ended(producer.transactionalId))?.producerEpoch)
    }
    const { producerEpoch: first } = producer
    expect(epochs).toEqual(['committed', first + 1, 'aborted', first + 2, 'committed', first + 3])
    expect(await stored()).toEqual(['a', 'a'])
  })

  it('an owner whose epoch has moved on is fenced all the same', async () => {
    await connect(2)
    const id = randomUUID()
    const first = await open(id)
    for (const value of ['1', '2']) expect((await first.commit([write(value)])).kind).toBe('committed')
    const second = await open(id)
    expect(await first.commit([write('zombie')])).toMatchObject({ kind: 'fenced', error: { code: 'PRODUCER_FENCED' } })
    expect((await second.commit([write('3')])).kind).toBe('committed')
    expect((await first.commit([write('zombie')])).kind).toBe('fenced')
    expect(await stored()).toEqual(['1', '2', '3'])
  })
})

describe('what a node forgot to end', () => {
  /** A transaction that was committed, with records behind its end. */
  async function forgotten(partitions = both()): Promise<TransactionalProducer> {
    await connect(1)
    const producer = await open(randomUUID(), partitions)
    await producer.commit(writeBoth('in time'))
    await writeLate(producer, 1)
    return producer
  }

  it('is committed when its transaction was, before anything new is written', async () => {
    const { transactionalId } = await forgotten()
    expect(await stored()).toEqual(['in time'])
    const next = await open(transactionalId)
    expect(await stored()).toEqual(['in time', 'late'])
    expect((await next.commit([{ ...write('misplaced'), expectedOffset: 0 }])).kind).toBe('aborted')
    expect((await next.commit([write('after')])).kind).toBe('committed')
    expect(await stored()).toEqual(['in time', 'late', 'after'])
  })

  it('is aborted when its transaction was', async () => {
    await connect(1)
    const id = randomUUID()
    const producer = await open(id)
    expect((await producer.commit([{ ...write('misplaced'), expectedOffset: 7 }])).kind).toBe('aborted')
    await writeLate(producer, 1)
    const next = await open(id)
    expect((await next.commit([write('after')])).kind).toBe('committed')
    expect(await stored()).toEqual(['after'])
  })

  it('is committed by the one who comes after an owner that died while it opened', async () => {
    const { transactionalId } = await forgotten()
    // Fences, and looks nowhere: as far as an owner came that died then. Twice, for the note is handed on.
    await open(transactionalId, [])
    await open(transactionalId, [])
    expect((await ended(transactionalId))?.state).toBe('Empty')
    await open(transactionalId)
    expect(await stored()).toEqual(['in time', 'late'])
  })

  it('is looked for by an owner whose connection broke, before its next transaction takes it over', async () => {
    const producer = await forgotten([])
    proxy.cutAll()
    // With the sequence that the records have used up it would not get far, but by then they are decided.
    await producer.commit([{ ...write('misplaced'), expectedOffset: 0 }])
    await open(producer.transactionalId)
    expect(await stored()).toEqual(['in time', 'late'])
  })

  it('is left alone when nobody knows how it ended, until somebody decides', async () => {
    const { transactionalId, producerId, producerEpoch } = await forgotten()
    // A client that keeps no note.
    await kafka.openTransactionalProducer({ transactionalId, transactionTimeoutMs: 15_000 })
    await expect(open(transactionalId)).rejects.toMatchObject({
      code: 'TRANSACTION_UNDECIDED',
      details: { topic, partition: 0, startOffset: 2 },
    })
    expect(await stored()).toEqual(['in time'])
    const link = await raw.linkTo(await raw.leaderOf(topic, 0))
    const topics = [{ name: topic, partitionIndexes: [0] }]
    const marker = { producerId, producerEpoch, transactionResult: false, coordinatorEpoch: 0, topics }
    await link.ask(WriteTxnMarkers, { markers: [marker] })
    const next = await open(transactionalId)
    expect((await next.commit([write('after')])).kind).toBe('committed')
    expect(await stored()).toEqual(['in time', 'after'])
  })
})

describe('a transaction that takes too long', () => {
  /** A commit whose records are held back until the cluster has aborted it. */
  async function slowCommit(version: 1 | 2) {
    await connect(version)
    const options = { transactionalId: randomUUID(), transactionTimeoutMs: 30, partitions: both() }
    const producer = await kafka.openTransactionalProducer(options)
    proxy.faults.push({ apiKey: api.produce, what: 'hold' })
    const slow = producer.commit([write('slow')])
    await expect.poll(async () => (await ended(options.transactionalId))?.state).toBe('CompleteAbort')
    return { options, slow }
  }

  it.each([2, 1] as const)('is unknown, not fenced: nobody else has the id (version %i)', async (version) => {
    const { options, slow } = await slowCommit(version)
    proxy.release()
    expect(await slow).toMatchObject({ kind: 'unknown', error: { code: 'TRANSACTION_TIMED_OUT', retriable: true } })
    const next = await kafka.openTransactionalProducer({ ...options, transactionTimeoutMs: 15_000 })
    expect((await next.commit([write('next')])).kind).toBe('committed')
    expect(await stored()).toEqual(['next'])
  })

  it('is fenced when somebody has taken the id over meanwhile', async () => {
    const { options, slow } = await slowCommit(2)
    await kafka.openTransactionalProducer(options)
    proxy.release()
    expect(await slow).toMatchObject({ kind: 'fenced' })
  })
})
