import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka, Producer, Transaction } from 'kafkajs'
import type { History, Position, SentRecord } from './history.ts'

/** What the writers of a lane share. */
export interface WriterWorld {
  readonly kafka: Kafka
  readonly history: History
  readonly random: () => number
  readonly isDone: () => boolean
}

const partitions = 3

/**
 * An idempotent producer: one batch of records after the other. What it is not told about it may send again with the
 * same sequence numbers, because kafkajs repeats requests by itself across restarts of the broker.
 */
export async function producePlainly(world: WriterWorld, topic: string, name: string): Promise<void> {
  let count = 0
  await withProducers(world, { idempotent: true, maxInFlightRequests: 1 }, async (producer, life) => {
    const records = someRecords(world.random, { topic, prefix: `${name}.${count++}` }).map((record) => ({
      ...record,
      producer: `${name}/${life}`,
      outcome: 'unknown' as SentRecord['outcome'],
    }))
    world.history.records.push(...records)
    const sent = await producer.send({ topic, messages: records.map(toMessage) })
    for (const { partition, baseOffset } of sent) {
      const there = records.filter((record) => record.partition === partition)
      for (const [index, record] of there.entries()) {
        record.outcome = 'acknowledged'
        Object.assign(record, { offset: Number(baseOffset) + index })
      }
    }
  })
}

/** A transactional producer: each transaction writes to some partitions and mostly moves a group's position. */
export async function transact(world: WriterWorld, topic: string, transactionalId: string): Promise<void> {
  let count = 0
  const options = { transactionalId, idempotent: true, maxInFlightRequests: 1 }
  await withProducers(world, options, async (producer) => {
    count += 1
    await transactOnce(world, await producer.transaction(), { topic, id: `${transactionalId}#${count}`, count })
  })
}

async function transactOnce(
  { history, random }: WriterWorld,
  transaction: Transaction,
  { topic, id, count }: { topic: string; id: string; count: number },
): Promise<void> {
  const hasPosition = random() < 0.7
  const position: Position = { group: `${topic}-positions`, topic: 'source', partition: 0, offset: count }
  // Until EndTxn is on its way nothing can commit it.
  const entry = { id, outcome: 'refused' as SentRecord['outcome'], ...(hasPosition && { position }) }
  history.transactions.push(entry)
  for (let sends = 1 + Math.floor(random() * 2); sends > 0; sends--) {
    const records = someRecords(random, { topic, prefix: `${id}.${sends}` })
    history.records.push(
      ...records.map((record) => ({ ...record, producer: topic, transaction: id, outcome: 'unknown' as const })),
    )
    await transaction.send({ topic, messages: records.map(toMessage) })
  }
  if (hasPosition) {
    history.positions.push({ ...position, kind: 'sent', transaction: id })
    const offsets = [{ partition: position.partition, offset: `${position.offset}` }]
    await transaction.sendOffsets({
      consumerGroupId: position.group,
      topics: [{ topic: position.topic, partitions: offsets }],
    })
  }
  if (random() < 0.3) return transaction.abort()
  entry.outcome = 'unknown'
  await transaction.commit()
  entry.outcome = 'acknowledged'
  if (hasPosition) history.positions.push({ ...position, kind: 'acknowledged', transaction: id })
}

/** Repeats a step with one producer until it fails, then with a new one; until the end. */
async function withProducers(
  { kafka, isDone }: WriterWorld,
  options: Parameters<Kafka['producer']>[0],
  step: (producer: Producer, life: number) => Promise<void>,
): Promise<void> {
  for (let life = 1; !isDone(); life++) {
    const producer = kafka.producer({ ...options, retry: { initialRetryTime: 20, maxRetryTime: 100, retries: 30 } })
    try {
      await producer.connect()
      while (!isDone()) await step(producer, life)
    } catch {
      // What became of the step is unknown: kafkajs wants a new producer after that.
      await sleep(20)
    }
    await producer.disconnect().catch(() => {})
  }
}

function someRecords(random: () => number, { topic, prefix }: { topic: string; prefix: string }) {
  const count = 1 + Math.floor(random() * 3)
  const spread = random() < 0.5
  const first = Math.floor(random() * partitions)
  return Array.from({ length: count }, (_, index) => ({
    value: `${prefix}.${index}`,
    topic,
    partition: spread ? (first + index) % partitions : first,
  }))
}

function toMessage({ value, partition }: { value: string; partition: number }) {
  return { value, partition }
}
