import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningBroker } from '@keyfold/broker'
import type { Admin, Kafka, Producer } from 'kafkajs'
import { consume, kafkaFor, memoryBroker } from './kafkajs-client.ts'

let broker: RunningBroker
let kafka: Kafka
let admin: Admin

beforeAll(async () => {
  broker = await memoryBroker()
  kafka = kafkaFor(broker.address)
  admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: ['in', 'out', 'aborted', 'fenced', 'open'].map((topic) => ({ topic, numPartitions: 2 })),
  })
})

afterAll(async () => {
  await admin.disconnect()
  await broker.close()
})

async function transactional(transactionalId: string): Promise<Producer> {
  const producer = kafka.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  return producer
}

const both = (value: string) => [
  { partition: 0, value },
  { partition: 1, value },
]

describe('transactions', () => {
  it('commit records of several partitions and offsets of a group together', async () => {
    const producer = await transactional('committer')
    for (const value of ['first', 'second', 'third']) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 'out', messages: both(value) })
      await transaction.sendOffsets({
        consumerGroupId: 'reader',
        topics: [{ topic: 'in', partitions: [{ partition: 0, offset: value.length.toString() }] }],
      })
      await transaction.commit()
    }
    await producer.disconnect()
    const values = (await consume(kafka, ['out'], { count: 6 })).map(({ partition, value }) => `${partition} ${value}`)
    expect(values.toSorted()).toEqual(['0 first', '0 second', '0 third', '1 first', '1 second', '1 third'])
    const offsets = await admin.fetchOffsets({ groupId: 'reader', topics: ['in'] })
    expect(offsets[0]?.partitions.find(({ partition }) => partition === 0)?.offset).toBe('5')
  })

  it('31, 34: show nothing of themselves when aborted', async () => {
    const producer = await transactional('aborter')
    const aborted = await producer.transaction()
    await aborted.send({ topic: 'aborted', messages: both('never') })
    const topics = [{ topic: 'in', partitions: [{ partition: 1, offset: '9' }] }]
    await aborted.sendOffsets({ consumerGroupId: 'reader', topics })
    await aborted.abort()
    const committed = await producer.transaction()
    await committed.send({ topic: 'aborted', messages: both('seen') })
    await committed.commit()
    await producer.disconnect()
    const received = await consume(kafka, ['aborted'], { count: 2 })
    expect(received.map(({ value }) => value)).toEqual(['seen', 'seen'])
    const offsets = await admin.fetchOffsets({ groupId: 'reader', topics: ['in'] })
    expect(offsets[0]?.partitions.find(({ partition }) => partition === 1)?.offset).toBe('-1')
  })

  it('31: hide what is open from read_committed, and what comes after it', async () => {
    const open = await transactional('open')
    const transaction = await open.transaction()
    await transaction.send({ topic: 'open', messages: [{ partition: 0, value: 'open' }] })
    const plain = kafka.producer()
    await plain.connect()
    await plain.send({ topic: 'open', messages: [{ partition: 0, value: 'behind' }] })
    const uncommitted = await consume(kafka, ['open'], { count: 2, readUncommitted: true })
    expect(uncommitted.map(({ value }) => value)).toEqual(['open', 'behind'])
    const reading = consume(kafka, ['open'], { count: 2 })
    await transaction.commit()
    expect((await reading).map(({ value }) => value)).toEqual(['open', 'behind'])
    await Promise.all([open.disconnect(), plain.disconnect()])
  })

  it('21, 23: a second producer with the id fences the first one and aborts what it has open', async () => {
    const first = await transactional('same')
    const transaction = await first.transaction()
    await transaction.send({ topic: 'fenced', messages: [{ partition: 0, value: 'of the first' }] })
    const second = await transactional('same')
    const next = await second.transaction()
    const late = transaction.send({ topic: 'fenced', messages: [{ partition: 0, value: 'late' }] })
    await expect(late).rejects.toMatchObject({ type: 'INVALID_PRODUCER_EPOCH' })
    await next.send({ topic: 'fenced', messages: [{ partition: 0, value: 'of the second' }] })
    await next.commit()
    await Promise.all([first.disconnect(), second.disconnect()])
    expect((await consume(kafka, ['fenced'], { count: 1 })).map(({ value }) => value)).toEqual(['of the second'])
  })
})
