import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { median, millis, whole } from '../figures.ts'
import type { Amounts } from './measure.ts'
import { type BundledBroker, fill, startBundled } from './processes.ts'

/** A broker that has much behind it, or little. */
interface Condition {
  readonly name: string
  readonly mib: number
  readonly partitions: number
}

const LITTLE: Condition = { name: '100 MB on disk, 10 partitions', mib: 100, partitions: 10 }
const CONDITIONS: readonly Condition[] = [
  LITTLE,
  { name: '5 GB on disk, 10 partitions', mib: 5_000, partitions: 10 },
  { name: '100 MB on disk, 1,000 partitions', mib: 100, partitions: 1_000 },
]
const TOPIC = 'flat'
const value = Buffer.alloc(100, 'x')

/** (g): what costs grow with: the same loads on brokers with little and with much on disk, few and many partitions. */
export async function flatness({ rounds, seconds }: Amounts): Promise<readonly string[][]> {
  const brokers = new Map<Condition, BundledBroker>()
  for (const condition of CONDITIONS) brokers.set(condition, await prepared(condition))
  const samples = new Map<Condition, { single: number[]; batch: number[]; startMs: number[]; residentMib: number[] }>(
    CONDITIONS.map((condition) => [condition, { single: [], batch: [], startMs: [], residentMib: [] }]),
  )
  for (let round = 0; round < rounds; round += 1) {
    for (const [condition, broker] of brokers) {
      const own = samples.get(condition)
      own?.single.push(await messagesPerSecond(broker, condition, { seconds, send: sendSingly }))
      own?.batch.push(await messagesPerSecond(broker, condition, { seconds, send: sendBatch }))
      await broker.end()
      const again = await startBundled(broker.directory)
      brokers.set(condition, again)
      own?.startMs.push(again.startMs)
      own?.residentMib.push(await again.residentMib())
    }
  }
  for (const broker of brokers.values()) {
    await broker.end()
    await broker.remove()
  }
  return CONDITIONS.map((condition) => {
    const { single = [], batch = [], startMs = [], residentMib = [] } = samples.get(condition) ?? {}
    const [one, many] = [median(single), median(batch)]
    return [
      condition.name,
      `${whole(one)}/s`,
      `${whole(many)}/s`,
      millis(median(startMs)),
      `${whole(median(residentMib))} MiB`,
    ]
  })
}

async function prepared({ mib, partitions }: Condition): Promise<BundledBroker> {
  const broker = await startBundled()
  await fill(broker.address, mib)
  const admin = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: partitions }], waitForLeaders: true })
  await admin.disconnect()
  return broker
}

type Send = (producer: Producer, partitions: number) => Promise<number>

async function messagesPerSecond(
  { address }: BundledBroker,
  { partitions }: Condition,
  { seconds, send }: { readonly seconds: number; readonly send: Send },
): Promise<number> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await send(producer, partitions)
  const startedAt = performance.now()
  let sent = 0
  while (performance.now() - startedAt < seconds * 1000) sent += await send(producer, partitions)
  const elapsed = (performance.now() - startedAt) / 1000
  await producer.disconnect()
  return sent / elapsed
}

let next = 0

/** 64 sends at once, each to the next partition: with 1,000 of them all are in use. */
async function sendSingly(producer: Producer, partitions: number): Promise<number> {
  const sends = Array.from({ length: 64 }, () =>
    producer.send({ topic: TOPIC, messages: [{ value, partition: next++ % partitions }] }),
  )
  await Promise.all(sends)
  return sends.length
}

/** One request of 100 messages for ten partitions. */
async function sendBatch(producer: Producer, partitions: number): Promise<number> {
  const messages = Array.from({ length: 100 }, (_, index) => ({ value, partition: (next + (index % 10)) % partitions }))
  next += 10
  await producer.send({ topic: TOPIC, messages })
  return messages.length
}
