import { Kafka, logLevel, type Message, Partitioners, type Producer } from 'kafkajs'
import { partitionForKey } from '@keyfold/kafka'
import type { Execute } from './closed-loop.ts'

/** Of one transaction; the same as the event store's. */
const batchMax = 500

interface Waiting {
  readonly message: Message
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface BarePlace {
  readonly broker: string
  readonly partitions: number
  readonly eventBytes: number
}

/**
 * What the same batches cost without the framework: kafkajs, one queue per partition, two transactional ids in turn, no
 * decision, no schema, three headers. Batches form as the event store's do: one turn of the event loop after the last.
 */
export async function openBareLoop({
  broker,
  partitions,
  eventBytes,
}: BarePlace): Promise<{ execute: Execute; end: () => Promise<void> }> {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
  const topic = `bench.bare-${crypto.randomUUID()}`
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true })
  await admin.disconnect()
  const queues = await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => BareQueue.open(kafka, topic, partition)),
  )
  const value = Buffer.alloc(eventBytes, 'x')
  return {
    execute: (key) => {
      const partition = partitionForKey(Buffer.from(key), partitions)
      const headers = { id: crypto.randomUUID(), type: 'bench.Noted', version: '1' }
      return (
        queues[partition]?.add({ key, value, headers, partition }) ?? Promise.reject(new Error('no such partition'))
      )
    },
    end: async () => {
      await Promise.all(queues.map((queue) => queue.close()))
    },
  }
}

class BareQueue {
  readonly #topic: string
  readonly #producers: readonly Producer[]
  #waiting: Waiting[] = []
  #busy = false
  #turn = 0

  constructor(topic: string, producers: readonly Producer[]) {
    this.#topic = topic
    this.#producers = producers
  }

  static async open(kafka: Kafka, topic: string, partition: number): Promise<BareQueue> {
    const producers = await Promise.all(
      [0, 1].map(async (turn) => {
        const producer = kafka.producer({
          transactionalId: `${topic}-${partition}-${turn}`,
          idempotent: true,
          maxInFlightRequests: 1,
          createPartitioner: Partitioners.DefaultPartitioner,
          retry: { initialRetryTime: 3, multiplier: 1.3, maxRetryTime: 100, retries: 1_000 },
        })
        await producer.connect()
        return producer
      }),
    )
    return new BareQueue(topic, producers)
  }

  add(message: Message): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ message, resolve, reject })
    this.#cutSoon()
    return promise
  }

  async close(): Promise<void> {
    await Promise.all(this.#producers.map((producer) => producer.disconnect()))
  }

  #cutSoon(): void {
    if (this.#busy || this.#waiting.length === 0) return
    this.#busy = true
    setImmediate(() => void this.#commit(this.#waiting.splice(0, batchMax)))
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const producer = this.#producers[this.#turn++ % this.#producers.length]
    try {
      const transaction = await producer?.transaction()
      await transaction?.send({ topic: this.#topic, messages: batch.map(({ message }) => message) })
      await transaction?.commit()
      for (const { resolve } of batch) resolve()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    this.#busy = false
    this.#cutSoon()
  }
}
