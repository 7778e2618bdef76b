import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, type Consumer, Kafka, logLevel } from 'kafkajs'
import { verifyDataDirectory } from '../../../libs/broker/src/verification/verify-data-directory.ts'
import { seededRandom } from '../random.ts'
import { freePort } from '../../kafka/free-ports.ts'
import { BrokerProcess } from './broker-process.ts'
import { History } from './history.ts'
import { producePlainly, transact, type WriterWorld } from './kafkajs-writers.ts'
import { type TopicToRead, WireReader } from './wire-reader.ts'

const partitions = 3
const topics: readonly TopicToRead[] = ['plain', 'moves-a', 'moves-b'].map((topic) => ({ topic, partitions }))
const consumerGroup = 'followers'

export interface KillLaneOptions {
  readonly rounds: number
  readonly seed: number
  /** The name of a planted bug. */
  readonly plant?: string
}

/**
 * Kills the broker again and again under producers, transactions and consumers, then lets everybody come to rest, and
 * returns what they did and saw.
 */
export async function runKillLane({ rounds, seed, ...planted }: KillLaneOptions): Promise<History> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'keyfold-broker-kill-'))
  const port = await freePort()
  const random = seededRandom(seed)
  const history = new History()
  let done = false
  const start = () => BrokerProcess.start({ dataDirectory, port, ...planted })
  let broker = await start()
  try {
    const kafka = kafkaAt(port)
    const admin = kafka.admin({ retry: { retries: 40, initialRetryTime: 20, maxRetryTime: 100 } })
    await admin.connect()
    await admin.createTopics({ topics: topics.map(({ topic }) => ({ topic, numPartitions: partitions })) })
    await admin.createTopics({ topics: [{ topic: 'source', numPartitions: 1 }] })
    const world: WriterWorld = { kafka, history, random, isDone: () => done }
    const consumer = await follow(world)
    const actors = [
      producePlainly(world, 'plain', 'p1'),
      producePlainly(world, 'plain', 'p2'),
      transact(world, 'moves-a', 'mover-a'),
      transact(world, 'moves-b', 'mover-b'),
      ...(['read_committed', 'read_uncommitted'] as const).map((isolation) => {
        const reader = new WireReader({ name: `wire ${isolation}`, port, isolation })
        return reader.follow(topics, (record) => history.seen.push(record), world.isDone)
      }),
    ]
    for (let round = 0; round < rounds; round++) {
      await untilBusy(history, 20 + Math.floor(random() * 80))
      await sleep(random() * 30)
      await broker.kill()
      // It reads everything there is: now and then will do.
      if (round % 10 === 0) await verify(dataDirectory)
      broker = await start()
      await lookAtPositions(admin, history)
    }
    await untilBusy(history, 20)
    done = true
    await Promise.all(actors)
    await consumer.disconnect()
    await finish(history, { admin, kafka, port })
    await admin.disconnect()
    const code = await broker.stop()
    if (code !== 0) throw new Error(`the broker ended with ${code}`)
    await verify(dataDirectory)
    return history
  } finally {
    done = true
    await broker.kill()
    await rm(dataDirectory, { recursive: true, force: true })
  }
}

/** As `keyfold broker verify`: what a kill leaves behind is sound. */
async function verify(dataDirectory: string): Promise<void> {
  const { findings } = await verifyDataDirectory({ dataDirectory })
  const lines = findings.map(({ place, what }) => `verify: ${place}: ${what}`)
  if (lines.length > 0) throw new Error(lines.join('\n'))
}

function kafkaAt(port: number): Kafka {
  return new Kafka({
    clientId: 'kill-lane',
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 500,
    retry: { initialRetryTime: 20, maxRetryTime: 100, retries: 60 },
  })
}

/** Waits until so many more records and a few more transactions were acknowledged, however long that takes here. */
async function untilBusy(history: History, recordsMore: number): Promise<void> {
  const count = () => ({
    records: history.records.filter(({ outcome }) => outcome === 'acknowledged').length,
    transactions: history.transactions.filter(({ outcome }) => outcome === 'acknowledged').length,
  })
  const before = count()
  const deadline = performance.now() + 20_000
  for (let now = before; now.records < before.records + recordsMore || now.transactions < before.transactions + 3;) {
    if (performance.now() > deadline) throw new Error('the clients do not get on')
    await sleep(10)
    now = count()
  }
}

/** A kafkajs consumer in a group, which records what it gets and commits its positions. */
async function follow({ kafka, history }: WriterWorld): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId: consumerGroup, maxWaitTimeInMs: 50, sessionTimeout: 10_000 })
  await consumer.connect()
  await consumer.subscribe({ topics: topics.map(({ topic }) => topic), fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async (given) => {
      const { batch } = given
      const { topic, partition, messages } = batch
      const place = { reader: 'kafkajs', isolation: 'read_committed' as const, topic, partition }
      for (const { offset, value } of messages) {
        history.seen.push({ ...place, offset: Number(offset), value: String(value) })
        given.resolveOffset(offset)
      }
      const offset = Number(batch.lastOffset()) + 1
      const position = { group: consumerGroup, topic, partition, offset }
      history.positions.push({ ...position, kind: 'sent' })
      await consumer.commitOffsets([{ topic, partition, offset: `${offset}` }])
      history.positions.push({ ...position, kind: 'acknowledged' })
      await given.heartbeat()
    },
  })
  return consumer
}

/** The positions of all groups, as the broker has them. */
async function positionsOf(admin: Admin) {
  const wanted = [
    { group: consumerGroup, topics: topics.map(({ topic }) => topic) },
    { group: 'moves-a-positions', topics: ['source'] },
    { group: 'moves-b-positions', topics: ['source'] },
  ]
  const found = await Promise.all(
    wanted.map(async ({ group, topics }) => {
      const offsets = await admin.fetchOffsets({ groupId: group, topics })
      return offsets.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => ({ group, topic, partition, offset: Number(offset) })),
      )
    }),
  )
  return found.flat()
}

async function lookAtPositions(admin: Admin, history: History): Promise<void> {
  // What is acknowledged while the question is under way may not be in the answer.
  const before = history.positions.length
  const found = await positionsOf(admin)
  const fetched = found.filter(({ offset }) => offset >= 0).map((each) => ({ ...each, kind: 'fetched' as const }))
  history.positions.splice(before, 0, ...fetched)
}

/** The end state, through two readers that have nothing in common. */
async function finish(history: History, { admin, kafka, port }: { admin: Admin; kafka: Kafka; port: number }) {
  history.finalPositions = await positionsOf(admin)
  history.final = await new WireReader({ name: 'wire', port, isolation: 'read_committed' }).readAll(topics)
  const consumer = kafka.consumer({ groupId: 'last look', maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topics: topics.map(({ topic }) => topic), fromBeginning: true })
  let count = 0
  await consumer.run({
    eachMessage: async ({ topic, partition, message: { offset, value } }) => {
      count += 1
      const place = { reader: 'kafkajs at the end', isolation: 'read_committed' as const, topic, partition }
      history.seen.push({ ...place, offset: Number(offset), value: String(value) })
    },
  })
  const deadline = performance.now() + 10_000
  while (count < history.final.length && performance.now() < deadline) await sleep(20)
  await consumer.disconnect()
  // More than that would be found by the checker: a record that a reader saw and another does not find.
  if (count < history.final.length) {
    throw new Error(`kafkajs reads ${count} records, the frames hold ${history.final.length}`)
  }
}
