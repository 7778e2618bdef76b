import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Admin, CompressionTypes, type Kafka, type Producer } from 'kafkajs'
import { type Clients, consume, memoryClients } from './kafkajs-client.ts'

let clients: Clients
let kafka: Kafka
let admin: Admin
let producer: Producer

beforeAll(async () => {
  clients = await memoryClients()
  ;({ kafka, admin, producer } = clients)
})

afterAll(() => clients.close())

describe('messages', () => {
  it('arrive as they were sent: keys, headers, tombstones, timestamps, order', async () => {
    await producer.send({
      topic: 'plain',
      messages: [
        { key: 'a', value: 'one', headers: { type: 'First', n: '1' }, timestamp: '1700000000000' },
        { key: 'a', value: null },
        { value: 'no key' },
        { key: '', value: '' },
      ],
    })
    const received = await consume(kafka, ['plain'], { count: 4 })
    expect(received.map(({ key, value, offset }) => [offset, key, value])).toEqual([
      ['0', 'a', 'one'],
      ['1', 'a', null],
      ['2', null, 'no key'],
      ['3', '', ''],
    ])
    expect(received[0]).toMatchObject({ headers: { type: 'First', n: '1' }, timestamp: '1700000000000' })
  })

  it('arrive from gzip batches, several partitions and several topics in one request', async () => {
    await admin.createTopics({ topics: [{ topic: 'zip-a', numPartitions: 3 }, { topic: 'zip-b' }] })
    const messages = Array.from({ length: 300 }, (_, index) => ({ key: `k${index}`, value: 'x'.repeat(100) + index }))
    await producer.sendBatch({
      compression: CompressionTypes.GZIP,
      topicMessages: [
        { topic: 'zip-a', messages },
        { topic: 'zip-b', messages },
      ],
    })
    const received = await consume(kafka, ['zip-a', 'zip-b'], { count: 600 })
    expect(new Set(received.filter(({ topic }) => topic === 'zip-a').map(({ partition }) => partition)).size).toBe(3)
    for (const topic of ['zip-a', 'zip-b']) {
      const values = received.filter((each) => each.topic === topic).map(({ value }) => value)
      expect(new Set(values)).toEqual(new Set(messages.map(({ value }) => value)))
    }
  })

  it('with acks 0 arrive without an answer; unknown acks are refused', async () => {
    await admin.createTopics({ topics: [{ topic: 'fire' }] })
    await producer.send({ topic: 'fire', acks: 0, messages: [{ value: 'and forget' }] })
    expect(await consume(kafka, ['fire'], { count: 1 })).toMatchObject([{ value: 'and forget' }])
    const sent = producer.send({ topic: 'fire', acks: 2, messages: [{ value: 'x' }] })
    await expect(sent).rejects.toMatchObject({ type: 'INVALID_REQUIRED_ACKS' })
  })

  it('8: that are too large are refused, the next ones are not', async () => {
    const large = producer.send({ topic: 'plain', messages: [{ value: 'x'.repeat(2_000_000) }] })
    await expect(large).rejects.toMatchObject({ type: 'MESSAGE_TOO_LARGE' })
    expect(await producer.send({ topic: 'plain', messages: [{ value: 'y' }] })).toMatchObject([{ errorCode: 0 }])
  })

  it('of an idempotent producer are numbered', async () => {
    const idempotent = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await idempotent.connect()
    for (let index = 0; index < 5; index++) {
      await idempotent.send({ topic: 'numbered', messages: [{ value: `${index}` }, { value: `${index}b` }] })
    }
    await idempotent.disconnect()
    expect(await consume(kafka, ['numbered'], { count: 10 })).toHaveLength(10)
  })
})

describe('offsets', () => {
  it('47: are found by timestamp, at the start and at the end; 49: records can be deleted', async () => {
    await admin.createTopics({ topics: [{ topic: 'times' }] })
    for (const timestamp of ['1000', '2000', '3000']) {
      await producer.send({ topic: 'times', messages: [{ value: timestamp, timestamp }] })
    }
    const at = async (timestamp: number) => (await admin.fetchTopicOffsetsByTimestamp('times', timestamp))[0]?.offset
    expect([await at(0), await at(1500), await at(3000), await at(4000)]).toEqual(['0', '1', '2', '3'])
    expect(await admin.fetchTopicOffsets('times')).toEqual([{ partition: 0, offset: '3', high: '3', low: '0' }])
    await admin.deleteTopicRecords({ topic: 'times', partitions: [{ partition: 0, offset: '2' }] })
    expect(await admin.fetchTopicOffsets('times')).toMatchObject([{ high: '3', low: '2' }])
    expect(await consume(kafka, ['times'], { count: 1 })).toMatchObject([{ value: '3000', offset: '2' }])
  })

  it('38: a waiting fetch is woken by what is produced', async () => {
    await admin.createTopics({ topics: [{ topic: 'waiting' }] })
    const consumer = kafka.consumer({ groupId: 'waiting', maxWaitTimeInMs: 5000 })
    const latencies: number[] = []
    await consumer.connect()
    await consumer.subscribe({ topics: ['waiting'], fromBeginning: true })
    const { promise, resolve } = Promise.withResolvers<void>()
    await consumer.run({
      eachMessage: async ({ message }) => {
        latencies.push(performance.now() - Number(message.value?.toString()))
        if (latencies.length === 5) resolve()
      },
    })
    for (let index = 0; index < 5; index++) {
      await new Promise((later) => setTimeout(later, 50))
      await producer.send({ topic: 'waiting', messages: [{ value: `${performance.now()}` }] })
    }
    await promise
    await consumer.disconnect()
    expect(latencies.toSorted((a, b) => a - b)[2]).toBeLessThan(500)
  })
})
