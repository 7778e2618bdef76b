import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Kafka } from 'kafkajs'
import { consume, kafkaFor } from './kafkajs-client.ts'

const main = fileURLToPath(new URL('../../../apps/broker/src/main.ts', import.meta.url))
const rounds = 4
let dataDirectory: string
let port: number

beforeAll(async () => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'keyfold-kill-'))
  port = await freePort()
})

afterAll(() => rmSync(dataDirectory, { recursive: true, force: true }))

it('kill -9 under producers loses nothing acknowledged and keeps the order', async () => {
  const acknowledged: number[] = []
  let next = 0
  for (let round = 0; round < rounds; round++) {
    const broker = await startProcess()
    const kafka = kafkaFor(`127.0.0.1:${port}`, { retries: 3 })
    const producing = produceUntilItFails(kafka, () => next++, acknowledged)
    const before = acknowledged.length
    while (acknowledged.length < before + 200) await new Promise((later) => setTimeout(later, 5))
    broker.kill('SIGKILL')
    await producing
  }
  const broker = await startProcess()
  const kafka = kafkaFor(`127.0.0.1:${port}`)
  const admin = kafka.admin()
  await admin.connect()
  const count = Number((await admin.fetchTopicOffsets('numbers'))[0]?.high)
  await admin.disconnect()
  const values = (await consume(kafka, ['numbers'], { count, timeoutMs: 20_000 })).map(({ value }) => Number(value))
  expect(await endOf(broker)).toBe(0)
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
    broker.kill('SIGKILL')
    await producing
  }
  const broker = await startProcess()
  const kafka = kafkaFor(`127.0.0.1:${port}`)
  const admin = kafka.admin()
  await admin.connect()
  const offsets = await admin.fetchOffsets({ groupId: 'source', topics: ['numbers'] })
  await admin.disconnect()
  // The last transaction may have been committed without anybody being told.
  const wanted = { count: acknowledged.length * 2, quietMs: 500, timeoutMs: 20_000 }
  const received = await consume(kafka, ['left', 'right'], wanted)
  const valuesOf = (topic: string) => received.filter((each) => each.topic === topic).map(({ value }) => Number(value))
  expect(await endOf(broker)).toBe(0)
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

async function startProcess(): Promise<ChildProcess> {
  const args = ['--conditions=@keyfold/source', main, '--json', '--data', dataDirectory, '--port', `${port}`]
  args.push('--set', 'group.initial.rebalance.delay.ms=0')
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const errors: string[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', () => resolve())
    child.once('exit', (code) => reject(new Error(`exit code ${code}: ${errors.join('')}`)))
  })
  return child
}

/** Asks the process to end; resolves with its exit code. */
function endOf(broker: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => {
    broker.once('exit', resolve)
  })
  broker.kill('SIGTERM')
  return ended
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => {
    server.close(resolve)
  })
  if (address === null || typeof address === 'string') throw new Error('no TCP address')
  return address.port
}
