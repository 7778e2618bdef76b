import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningBroker, startBrokerWorker } from '@keyfold/broker'
import type { Kafka } from 'kafkajs'
import { consume, diskBroker, kafkaFor, type Received, runFrom, toReceived, until } from './kafkajs-client.ts'

let dataDirectory: string

beforeAll(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'keyfold-restart-'))
})

afterAll(() => rmSync(dataDirectory, { recursive: true, force: true }))

async function withBroker<T>(use: (kafka: Kafka, broker: RunningBroker) => Promise<T>): Promise<T> {
  const broker = await diskBroker({ dataDirectory })
  try {
    return await use(kafkaFor(broker.address), broker)
  } finally {
    await broker.close()
  }
}

async function readAll(kafka: Kafka, groupId: string, last: number): Promise<Received[]> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
  const received: Received[] = []
  await runFrom(consumer, ['kept'], (payload) => received.push(toReceived(payload)))
  await until(() => received.some(({ offset }) => Number(offset) >= last), `message ${last}`)
  await consumer.disconnect()
  return received
}

describe('a restart', () => {
  it('keeps topics, settings, messages, offsets, groups and the identity', async () => {
    const before = await withBroker(async (kafka, broker) => {
      const admin = kafka.admin()
      const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
      await Promise.all([admin.connect(), producer.connect()])
      await admin.createTopics({ topics: [{ topic: 'kept', configEntries: [{ name: 'retention.ms', value: '-1' }] }] })
      for (let index = 0; index < 20; index++) await producer.send({ topic: 'kept', messages: [{ value: `${index}` }] })
      expect(await readAll(kafka, 'kept-group', 19)).toHaveLength(20)
      await Promise.all([admin.disconnect(), producer.disconnect()])
      return broker
    })
    await withBroker(async (kafka, broker) => {
      expect(broker).toMatchObject({ clusterId: before.clusterId, nodeId: before.nodeId })
      const admin = kafka.admin()
      const producer = kafka.producer()
      await Promise.all([admin.connect(), producer.connect()])
      expect(await admin.fetchTopicOffsets('kept')).toMatchObject([{ low: '0', high: '20' }])
      expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).toContain('kept-group')
      await producer.send({ topic: 'kept', messages: [{ value: '20' }] })
      expect((await readAll(kafka, 'kept-group', 20)).map(({ value }) => value)).toEqual(['20'])
      expect(await consume(kafka, ['kept'], { count: 21 })).toHaveLength(21)
      await Promise.all([admin.disconnect(), producer.disconnect()])
    })
  }, 30_000)

  it('in the middle of reading does not send anybody back', async () => {
    const first = await diskBroker({ dataDirectory })
    const kafka = kafkaFor(first.address)
    const consumer = kafka.consumer({
      groupId: 'survivor',
      maxWaitTimeInMs: 100,
      heartbeatInterval: 300,
      sessionTimeout: 6000,
    })
    const received: Received[] = []
    await runFrom(consumer, ['kept'], (payload) => received.push(toReceived(payload)))
    await until(() => received.length === 21, 'the first messages')
    await first.close()
    const second = await diskBroker({ dataDirectory, port: first.port })
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 'kept', messages: [{ value: '21' }] })
    await until(() => received.length >= 22, 'the message after the restart', 20_000)
    expect(received.map(({ offset }) => Number(offset))).toEqual(Array.from({ length: 22 }, (_, index) => index))
    await Promise.all([consumer.disconnect(), producer.disconnect()])
    await second.close()
  }, 40_000)

  it('works in a worker, too', async () => {
    const broker = await startBrokerWorker({ dataDirectory, config: { 'group.initial.rebalance.delay.ms': 0 } })
    expect(await consume(kafkaFor(broker.address), ['kept'], { count: 22 })).toHaveLength(22)
    await broker.close()
    expect(await broker.stopped).toBeUndefined()
  }, 20_000)
})
