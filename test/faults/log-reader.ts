import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { type EachMessagePayload, Kafka, logLevel } from 'kafkajs'

/** An event as somebody reads it who knows nothing of Keyfold: plain kafkajs and the plain registry client. */
export interface LogEvent {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly type: string
  readonly version: number
  readonly commandId: string
  readonly index: number
  readonly size: number
  readonly data: Readonly<Record<string, unknown>>
}

/** All committed events of a topic, in log order per partition. */
export async function readLog(broker: string, registryUrl: string, topic: string): Promise<readonly LogEvent[]> {
  const registry = new SchemaRegistry({ host: registryUrl })
  const events: LogEvent[] = []
  await eachCommitted(broker, topic, async ({ partition, message: { key, value, offset, headers = {} } }) => {
    const header = (name: string) => String(headers[name])
    events.push({
      partition,
      offset: Number(offset),
      key: String(key),
      type: header('ce_type'),
      version: Number(header('keyfold-version')),
      commandId: header('keyfold-command-id'),
      index: Number(header('keyfold-command-index')),
      size: Number(header('keyfold-command-size')),
      data: (await registry.decode(value as Buffer)) as Record<string, unknown>,
    })
  })
  return events.toSorted((left, right) => left.partition - right.partition || left.offset - right.offset)
}

/** Hands on every committed message of a topic, up to where its partitions end now, with plain kafkajs. */
export async function eachCommitted(
  broker: string,
  topic: string,
  eachMessage: (payload: EachMessagePayload) => Promise<void>,
): Promise<void> {
  const kafka = new Kafka({ clientId: 'checker', brokers: [broker], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]))
  await admin.disconnect()

  const consumer = kafka.consumer({ groupId: `checker-${Date.now()}-${Math.random()}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const open = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition))
  await new Promise<void>((resolve, reject) => {
    // Progress by fetch position: the tail of a partition is often a marker, for which no batch is handed out.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (Number(payload.lastOffset) + 1 >= (ends.get(payload.partition) ?? 0)) open.delete(payload.partition)
      if (open.size === 0) resolve()
    })
    if (open.size === 0) resolve()
    consumer.run({ eachMessage }).catch(reject)
  })
  await consumer.disconnect()
}
