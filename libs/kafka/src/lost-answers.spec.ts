import { randomUUID } from 'node:crypto'
import { type RunningBroker, startBroker } from '@keyfold/broker'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { KafkaClientOptions } from './client-options.ts'
import { connectKafka } from './connect-kafka.ts'
import type { KafkaClient } from './kafka-client.ts'
import { behindProxy, committedValues, type FlakyProxy, type WireFault } from './testing/index.ts'

const api = {
  produce: 0,
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  findCoordinator: 10,
  initProducerId: 22,
  addPartitions: 24,
  endTxn: 26,
}

let proxy: FlakyProxy
let broker: RunningBroker
let kafka: KafkaClient
let topic: string

beforeAll(async () => {
  ;({ proxy, broker } = await behindProxy((advertised) => startBroker({ memory: true, ...advertised })))
})

afterAll(async () => {
  await broker.close()
  await proxy.close()
})

const connect = (options: Partial<KafkaClientOptions> = {}) =>
  connectKafka({ brokers: [proxy.address], clientId: 'test', requestTimeoutMs: 1_000, ...options })

beforeEach(async () => {
  kafka = await connect()
  topic = `lost-${randomUUID()}`
  await kafka.ensureTopics([{ name: topic, partitions: 1 }])
})

afterEach(async () => {
  proxy.faults.length = 0
  await kafka.close()
})

const write = (value: string) => ({ topic, partition: 0, records: [{ key: null, value: Buffer.from(value) }] })
const producerOf = (transactionalId: string) =>
  kafka.openTransactionalProducer({ transactionalId, transactionTimeoutMs: 15_000 })

const stored = () => committedValues(kafka, topic)

describe.each([2, 1] as const)('a transaction whose answer is lost, of version %i', (transactionVersionMax) => {
  beforeEach(async () => {
    await kafka.close()
    kafka = await connect({ transactionVersionMax })
  })

  it.each<[string, WireFault, readonly string[]]>([
    ['the answer to EndTxn', { apiKey: api.endTxn, what: 'lose-answer' }, ['before', 'doubtful']],
    ['the request EndTxn', { apiKey: api.endTxn, what: 'lose-request' }, ['before']],
    ['an EndTxn that is not answered', { apiKey: api.endTxn, what: 'hang' }, ['before', 'doubtful']],
    ['the answer to Produce', { apiKey: api.produce, what: 'lose-answer' }, ['before']],
    ['the request Produce', { apiKey: api.produce, what: 'lose-request' }, ['before']],
  ])('is unknown: %s', async (_, fault, expected) => {
    const id = randomUUID()
    const producer = await producerOf(id)
    expect((await producer.commit([write('before')])).kind).toBe('committed')
    proxy.faults.push(fault)
    expect((await producer.commit([write('doubtful')])).kind).toBe('unknown')
    // This producer is finished: nothing more is written through it.
    expect((await producer.commit([write('never')])).kind).toBe('unknown')
    const next = await producerOf(id)
    expect(await stored()).toEqual(expected)
    expect((await next.commit([write('after')])).kind).toBe('committed')
    expect(await stored()).toEqual([...expected, 'after'])
  })

  it.each([api.initProducerId, api.findCoordinator])('is opened again: API %i', async (apiKey) => {
    proxy.faults.push({ apiKey, what: 'lose-answer' }, { apiKey, what: 'lose-request' })
    const producer = await producerOf(randomUUID())
    expect((await producer.commit([write('a')])).kind).toBe('committed')
  })
})

describe('AddPartitionsToTxn without an answer', () => {
  beforeEach(async () => {
    await kafka.close()
    kafka = await connect({ transactionVersionMax: 1 })
  })

  it('is sent again when the connection broke between two transactions', async () => {
    const producer = await producerOf(randomUUID())
    for (const value of ['a', 'b', 'c']) {
      expect((await producer.commit([write(value)])).kind).toBe('committed')
      proxy.cutAll()
    }
    expect(await stored()).toEqual(['a', 'b', 'c'])
  })

  it.each(['lose-answer', 'lose-request'] as const)('is sent again, for nothing is written yet: %s', async (what) => {
    const producer = await producerOf(randomUUID())
    proxy.faults.push({ apiKey: api.addPartitions, what })
    expect((await producer.commit([write('a')])).kind).toBe('committed')
    expect((await producer.commit([write('b')])).kind).toBe('committed')
    expect(await stored()).toEqual(['a', 'b'])
  })
})

describe('a reader whose connection breaks', () => {
  it('goes on where it was: nothing twice, nothing left out', async () => {
    const producer = await producerOf(randomUUID())
    const reader = kafka.openPartitionReader({
      topic,
      partition: 0,
      fromOffset: 0,
      isolation: 'committed',
      maxBytes: 200,
    })
    const values: string[] = []
    for (let round = 0; round < 10; round++) {
      expect((await producer.commit([write(`${round}a`)])).kind).toBe('committed')
      proxy.faults.push({ apiKey: api.fetch, what: round % 2 === 0 ? 'lose-answer' : 'lose-request' })
      while (values.length < round + 1) {
        const { records } = await reader.next({ maxWaitMs: 200 })
        values.push(...records.map(({ value }) => value?.toString() ?? ''))
      }
    }
    expect(values).toEqual(Array.from({ length: 10 }, (_, round) => `${round}a`))
  })

  it('outlives a broker that is away for a while', async () => {
    const producer = await producerOf(randomUUID())
    const reader = kafka.openPartitionReader({ topic, partition: 0, fromOffset: 0, isolation: 'committed' })
    await reader.next({ maxWaitMs: 10 })
    proxy.forwardTo(1)
    proxy.cutAll()
    expect(await reader.next({ maxWaitMs: 300 })).toMatchObject({ records: [], position: 0 })
    proxy.forwardTo(broker.port)
    expect((await producer.commit([write('back')])).kind).toBe('committed')
    let seen: readonly unknown[] = []
    while (seen.length === 0) seen = (await reader.next()).records
    expect(seen).toMatchObject([{ value: Buffer.from('back') }])
  })
})

describe('a reader whose fetch is late', () => {
  it('says that it does not know the end, neither at first nor later', async () => {
    const producer = await producerOf(randomUUID())
    const reader = kafka.openPartitionReader({ topic, partition: 0, fromOffset: 0, isolation: 'committed' })
    const late = { records: [], endOffset: undefined }
    for (const value of ['first', 'second']) {
      expect((await producer.commit([write(value)])).kind).toBe('committed')
      proxy.faults.push({ apiKey: api.fetch, what: 'hang' })
      expect(await reader.next({ maxWaitMs: 1 })).toMatchObject(late)
      let batch = await reader.next()
      // Without records and with an end: no fetch is under way any more that the next fault could miss.
      while (batch.endOffset === undefined || batch.records.length > 0) batch = await reader.next()
      expect([batch.position, batch.endOffset]).toEqual(
        (await kafka.endOffsets(topic, 'committed')).flatMap((end) => [end, end]),
      )
    }
  })
})

describe('questions to a cluster whose connections break', () => {
  it.each([api.metadata, api.listOffsets])('are asked again: API %i', async (apiKey) => {
    proxy.faults.push({ apiKey, what: 'lose-answer' }, { apiKey, what: 'lose-request' })
    expect(await kafka.endOffsets(topic, 'committed')).toEqual([0])
    expect(await kafka.describeTopics([topic])).toMatchObject([{ partitions: 1 }])
  })
})
