import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { percentile } from '../figures.ts'
import { type Amounts, freshTopic, type Measure, type Target } from './measure.ts'

const value = Buffer.alloc(100, 'x')

/** (c), (d) and (e): kafkajs in this process, one partition, acks=all, 100 bytes. */
export const kafkajsClients: readonly Measure[] = [
  sending('awaited single sends', 1, (producer, topic) => producer.send({ topic, messages: [{ value }] })),
  sending('64 single sends in flight', 1, async (producer, topic) => {
    await Promise.all(Array.from({ length: 64 }, () => producer.send({ topic, messages: [{ value }] })))
    return 64
  }),
  sending('sendBatch of 100', 100, (producer, topic) => {
    const messages = Array.from({ length: 100 }, () => ({ value }))
    return producer.sendBatch({ topicMessages: [{ topic, messages }] })
  }),
  ...[1, 100].map((count): Measure => ({
    part: 'd',
    name: `kafkajs transaction of ${count}`,
    unit: 'transactions/s',
    isBetter: 'higher',
    run: (target, amounts) => transactionsPerSecond(target, amounts, count),
  })),
  ...[0.5, 0.99].map((share): Measure => ({
    part: 'e',
    name: `send to eachMessage, p${share * 100}`,
    unit: 'ms',
    isBetter: 'lower',
    run: async (target, amounts) => percentile(await latenciesMs(target, amounts), share),
  })),
]

function sending(
  name: string,
  messages: number,
  send: (producer: Producer, topic: string) => Promise<unknown>,
): Measure {
  return {
    part: 'c',
    name: `kafkajs, ${name}`,
    unit: 'messages/s',
    isBetter: 'higher',
    run: (target, amounts) =>
      withTopic(target, async (kafka, topic) => {
        const producer = await connected(kafka)
        await send(producer, topic)
        const perSecond = await rate(amounts, async () => {
          const sent = await send(producer, topic)
          return typeof sent === 'number' ? sent : messages
        })
        await producer.disconnect()
        return perSecond
      }),
  }
}

function transactionsPerSecond(target: Target, amounts: Amounts, count: number): Promise<number> {
  return withTopic(target, async (kafka, topic) => {
    const producer = await connected(kafka, `teller-${topic}`)
    const messages = Array.from({ length: count }, () => ({ value }))
    const run = async () => {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages })
      await transaction.commit()
      return 1
    }
    await run()
    const perSecond = await rate(amounts, run)
    await producer.disconnect()
    return perSecond
  })
}

/** One message at a time, from before it is sent until the consumer has it; sorted. */
function latenciesMs(target: Target, amounts: Amounts): Promise<readonly number[]> {
  return withTopic(target, async (kafka, topic) => {
    const consumer = kafka.consumer({ groupId: `group-${topic}`, maxWaitTimeInMs: 500 })
    const producer = await connected(kafka)
    let arrived: () => void = () => {}
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: () => Promise.resolve(arrived()) })
    const trip = async () => {
      const arrival = new Promise<void>((resolve) => {
        arrived = resolve
      })
      const startedAt = performance.now()
      await producer.send({ topic, messages: [{ value }] })
      await arrival
      return performance.now() - startedAt
    }
    for (let warmUp = 0; warmUp < 50; warmUp += 1) await trip()
    const sample: number[] = []
    const endsAt = performance.now() + amounts.seconds * 1000
    while (performance.now() < endsAt) sample.push(await trip())
    await consumer.disconnect()
    await producer.disconnect()
    return sample.toSorted((left, right) => left - right)
  })
}

async function withTopic<T>(target: Target, use: (kafka: Kafka, topic: string) => Promise<T>): Promise<T> {
  // Short pauses: Kafka answers CONCURRENT_TRANSACTIONS while it writes markers, and kafkajs waits 300 ms by default.
  const retry = { initialRetryTime: 5, retries: 50, maxRetryTime: 500 }
  const kafka = new Kafka({ brokers: [target.address], logLevel: logLevel.NOTHING, retry })
  const topic = freshTopic()
  const configEntries = Object.entries(target.topicConfig).map(([name, setting]) => ({ name, value: setting }))
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }], waitForLeaders: true })
  await admin.disconnect()
  return use(kafka, topic)
}

async function connected(kafka: Kafka, transactionalId?: string): Promise<Producer> {
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    ...(transactionalId !== undefined && { transactionalId, idempotent: true, maxInFlightRequests: 1 }),
  })
  await producer.connect()
  return producer
}

/** How many per second, over the given time. */
async function rate({ seconds }: Amounts, run: () => Promise<number>): Promise<number> {
  const startedAt = performance.now()
  let count = 0
  while (performance.now() - startedAt < seconds * 1000) count += await run()
  return count / ((performance.now() - startedAt) / 1000)
}
