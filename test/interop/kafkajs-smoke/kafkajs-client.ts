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

/** Reads messages from the beginning, with a group of its own, until there are enough and no more come for a while. */
export async function consume(
  kafka: Kafka,
  topics: string[],
  options: { count: number; timeoutMs?: number; quietMs?: number } & Partial<ConsumerConfig>,
): Promise<Received[]> {
  const { count, timeoutMs = 10_000, quietMs = 0, ...config } = options
  const consumer = kafka.consumer({ groupId: `reader-${groups++}`, maxWaitTimeInMs: 100, ...config })
  const received: Received[] = []
  await runFrom(consumer, topics, (payload) => received.push(toReceived(payload)))
  await until(() => received.length >= count, `${count} messages`, timeoutMs)
  for (let seen = quietMs > 0 ? -1 : received.length; seen < received.length; await sleep(quietMs))
    seen = received.length
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
