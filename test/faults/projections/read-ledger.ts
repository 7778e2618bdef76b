import avsc from 'avsc'
import { Kafka, logLevel } from 'kafkajs'
import type { LogEvent } from './history.ts'
import { DEPOSITED_SCHEMA, TOPIC } from './ledger.ts'

/** All committed events, as somebody reads them who knows nothing of Keyfold: plain kafkajs and plain avsc. */
export async function readLedger(broker: string): Promise<readonly LogEvent[]> {
  const kafka = new Kafka({ clientId: 'checker', brokers: [broker], logLevel: logLevel.NOTHING })
  const type = avsc.Type.forSchema(DEPOSITED_SCHEMA as never)
  const admin = kafka.admin()
  await admin.connect()
  const ends = new Map((await admin.fetchTopicOffsets(TOPIC)).map(({ partition, high }) => [partition, Number(high)]))
  await admin.disconnect()
  const consumer = kafka.consumer({ groupId: `checker-${Date.now()}` })
  const events: LogEvent[] = []
  await consumer.connect()
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  const open = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition))
  await new Promise<void>((resolve, reject) => {
    // Progress by fetch position: the tail of a partition is often a marker, for which no batch is handed out.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (Number(payload.lastOffset) + 1 >= (ends.get(payload.partition) ?? 0)) open.delete(payload.partition)
      if (open.size === 0) resolve()
    })
    consumer
      .run({
        eachMessage: async ({ partition, message: { key, value, offset, headers = {} } }) => {
          const { amount, note } = type.fromBuffer((value as Buffer).subarray(5)) as { amount: number; note: string }
          const version = BigInt(String(headers['keyfold-version']))
          events.push({ partition, offset: Number(offset), key: String(key), version, amount: BigInt(amount), note })
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return events.toSorted((left, right) => left.partition - right.partition || left.offset - right.offset)
}
