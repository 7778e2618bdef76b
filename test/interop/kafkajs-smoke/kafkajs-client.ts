import { setTimeout as sleep } from 'node:timers/promises'
import { type BrokerOptions, type RunningBroker, startBroker } from '@keyfold/broker'
import {
  type Admin,
  type Consumer,
  type ConsumerConfig,
  type EachMessagePayload,
  Kafka,
  logLevel,
  type Producer,
} from 'kafkajs'

/** A broker in memory, with the settings that make tests quick. */
export function memoryBroker(config: Record<string, string | number | boolean> = {}): Promise<RunningBroker> {
  return startBroker({ memory: true, config: { ...quickConfig, ...config } })
}

export function diskBroker(options: { dataDirectory: string } & Pick<BrokerOptions, 'port' | 'config'>) {
  return startBroker({ ...options, config: { ...quickConfig, ...options.config } })
}

const quickConfig = { 'group.initial.rebalance.delay.ms': 0 }

export function kafkaFor(address: string, { retries = 12 } = {}): Kafka {
  return new Kafka({
    clientId: 'smoke',
    brokers: [address],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries, maxRetryTime: 500 },
  })
}

/** A broker in memory, and what talks to it. */
export interface Clients {
  readonly kafka: Kafka
  readonly admin: Admin
  readonly producer: Producer
  close(): Promise<void>
}

export async function memoryClients(): Promise<Clients> {
  const broker = await memoryBroker()
  const kafka = kafkaFor(broker.address)
  const admin = kafka.admin()
  const producer = kafka.producer()
  await Promise.all([admin.connect(), producer.connect()])
  const close = async () => {
    await Promise.all([admin.disconnect(), producer.disconnect()])
    await broker.close()
  }
  return { kafka, admin, producer, close }
}

export interface Received {
  topic: string
  partition: number
  offset: string
  key: string | null
  value: string | null
  timestamp: string
  headers: Record<string, string>
}

type Reading = { timeoutMs?: number } & Partial<ConsumerConfig>

/** Reads messages from the beginning, with a group of its own, until there are enough. */
export function consume(
  kafka: Kafka,
  topics: string[],
  { count, ...reading }: { count: number } & Reading,
): Promise<Received[]> {
  return readUntil(kafka, topics, { ...reading, isEnough: ({ length }) => length >= count, what: `${count} messages` })
}

/** Reads all that there is in topics of one partition: up to messages that are written behind it, and left out. */
export async function consumeAll(kafka: Kafka, topics: string[], reading: Reading = {}): Promise<Received[]> {
  const last = 'the last one'
  const producer = kafka.producer()
  await producer.connect()
  await producer.sendBatch({
    topicMessages: topics.map((topic) => ({ topic, messages: [{ key: last, value: null }] })),
  })
  await producer.disconnect()
  const isEnough = (received: readonly Received[]) =>
    received.filter(({ key }) => key === last).length === topics.length
  const received = await readUntil(kafka, topics, { ...reading, isEnough, what: `the end of ${topics.join(' and ')}` })
  return received.filter(({ key }) => key !== last)
}

interface ReadingUntil extends Reading {
  readonly isEnough: (received: readonly Received[]) => boolean
  readonly what: string
}

async function readUntil(
  kafka: Kafka,
  topics: string[],
  { isEnough, what, timeoutMs = 10_000, ...config }: ReadingUntil,
): Promise<Received[]> {
  const consumer = kafka.consumer({ groupId: `reader-${groups++}`, maxWaitTimeInMs: 100, ...config })
  const received: Received[] = []
  await runFrom(consumer, topics, (payload) => received.push(toReceived(payload)))
  await until(() => isEnough(received), what, timeoutMs)
  await consumer.disconnect()
  return received
}

let groups = 0

/** Starts a consumer that hands each message on. */
export async function runFrom(
  consumer: Consumer,
  topics: string[],
  onMessage: (payload: EachMessagePayload) => unknown,
): Promise<void> {
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  await consumer.run({
    eachMessage: async (payload) => {
      await onMessage(payload)
    },
  })
}

export async function until(isTrue: () => boolean | Promise<boolean>, what: string, timeoutMs = 10_000): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await sleep(10)
  }
}

export function toReceived({ topic, partition, message }: EachMessagePayload): Received {
  const headers = Object.entries(message.headers ?? {}).map(([key, value]) => [key, String(value)])
  return {
    topic,
    partition,
    offset: message.offset,
    timestamp: message.timestamp,
    key: message.key?.toString() ?? null,
    value: message.value?.toString() ?? null,
    headers: Object.fromEntries(headers) as Record<string, string>,
  }
}
