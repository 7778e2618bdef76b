import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Kafka } from 'kafkajs'
import { BrokerProcess } from '../../faults/broker/broker-process.ts'
import { freePort } from '../../kafka/free-ports.ts'
import { consume, consumeAll, kafkaFor } from './kafkajs-client.ts'

const rounds = 4
let dataDirectory: string
let port: number
/** A test that fails may leave it running. */
let newest: BrokerProcess | undefined

beforeAll(async () => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'keyfold-kill-'))
  port = await freePort()
})

afterAll(async () => {
  await newest?.kill()
  rmSync(dataDirectory, { recursive: true, force: true })
})

it('kill -9 under producers loses nothing acknowledged and keeps the order', async () => {
  const acknowledged: number[] = []
  let next = 0
  for (let round = 0; round < rounds; round++) {
    const broker = await startProcess()
    const kafka = kafkaFor(`127.0.0.1:${port}`, { retries: 3 })
    const producing = produceUntilItFails(kafka, () => next++, acknowledged)
    const before = acknowledged.length
    while (acknowledged.length < before + 200) await new Promise((later) => setTimeout(later, 5))
    await broker.kill()
    await producing
  }
  const broker = await startProcess()
  const kafka = kafkaFor(`127.0.0.1:${port}`)
  const admin = kafka.admin()
  await admin.connect()
  const count = Number((await admin.fetchTopicOffsets('numbers'))[0]?.high)
  await admin.disconnect()
  const values = (await consume(kafka, ['numbers'], { count, timeoutMs: 20_000 })).map(({ value }) => Number(value))
  expect(await broker.stop()).toBe(0)
  expect(acknowledged.length).toBeGreaterThanOrEqual(rounds * 200)
  const stored = new Set(values)
  expect(acknowledged.filter((value) => !stored.has(value))).toEqual([])
  expect(stored.size).toBe(values.length)
  expect(values).toEqual(values.toSorted((a, b) => a - b))
}, 60_000)

it('kill -9 under transactions leaves each of them whole or absent, its offsets included', async () => {
  const acknowledged: number[] = []
  let next = 0
  for (let round = 0; round < rounds; round++) {
    const broker = await startProcess()
    const producing = transactUntilItFails(kafkaFor(`127.0.0.1:${port}`, { retries: 3 }), () => ++next, acknowledged)
    const before = acknowledged.length
    while (acknowledged.length < before + 30) await new Promise((later) => setTimeout(later, 5))
    await broker.kill()
    await producing
  }
  const broker = await startProcess()
  const kafka = kafkaFor(`127.0.0.1:${port}`)
  const admin = kafka.admin()
  await admin.connect()
  const offsets = await admin.fetchOffsets({ groupId: 'source', topics: ['numbers'] })
  await admin.disconnect()
  // The last transaction may have been committed without anybody being told.
  const received = await consumeAll(kafka, ['left', 'right'], { timeoutMs: 20_000 })
  const valuesOf = (topic: string) => received.filter((each) => each.topic === topic).map(({ value }) => Number(value))
  expect(await broker.stop()).toBe(0)
  const last = Math.max(...valuesOf('left'))
  expect(valuesOf('left')).toEqual(valuesOf('right'))
  expect(new Set(valuesOf('left')).size).toBe(valuesOf('left').length)
  expect(acknowledged.filter((value) => !valuesOf('left').includes(value))).toEqual([])
  expect(Number(offsets[0]?.partitions[0]?.offset)).toBe(last)
}, 90_000)

/** One transaction at a time: the same number to two topics, and as a committed offset. */
async function transactUntilItFails(kafka: Kafka, next: () => number, acknowledged: number[]): Promise<void> {
  const options = { transactionalId: 'mover', idempotent: true, maxInFlightRequests: 1 }
  const producer = kafka.producer({ ...options, retry: { initialRetryTime: 20, retries: 5, maxRetryTime: 100 } })
  await producer.connect()
  try {
    for (;;) {
      const value = next()
      const transaction = await producer.transaction()
      for (const topic of ['left', 'right']) await transaction.send({ topic, messages: [{ value: `${value}` }] })
      const partitions = [{ partition: 0, offset: `${value}` }]
      await transaction.sendOffsets({ consumerGroupId: 'source', topics: [{ topic: 'numbers', partitions }] })
      await transaction.commit()
      acknowledged.push(value)
    }
  } catch {
    await producer.disconnect()
  }
}

/** One send at a time, each number once, so that the log has to be in ascending order. */
async function produceUntilItFails(kafka: Kafka, next: () => number, acknowledged: number[]): Promise<void> {
  const producer = kafka.producer({ retry: { retries: 0 } })
  await producer.connect()
  try {
    for (;;) {
      const value = next()
      await producer.send({ topic: 'numbers', messages: [{ value: `${value}` }] })
      acknowledged.push(value)
    }
  } catch {
    await producer.disconnect()
  }
}

/** Clients make their topics by writing to them. */
async function startProcess(): Promise<BrokerProcess> {
  newest = await BrokerProcess.start({ dataDirectory, port, config: { 'auto.create.topics.enable': 'true' } })
  return newest
}
