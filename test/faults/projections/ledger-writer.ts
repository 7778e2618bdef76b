import { type KafkaClient, type RecordToWrite, type TransactionalProducer } from '@keyfold/kafka'
import { eventRecord } from '@keyfold/testing'
import { Kafka, logLevel } from 'kafkajs'
import { codec, Deposited, PARTITIONS, POISON, TOPIC } from './ledger.ts'

const ACCOUNTS = 16
const BROKER_PATIENCE_MS = 30_000

/** Writes deposits as an event store would, through broker restarts; what became of a doubtful one the log knows. */
export class LedgerWriter {
  readonly #kafka: KafkaClient
  readonly #random: () => number
  readonly #versions = new Map<string, number>()
  #producer: TransactionalProducer | undefined

  constructor(kafka: KafkaClient, random: () => number) {
    this.#kafka = kafka
    this.#random = random
  }

  /** So many transactions of one to four events in each partition. */
  async write(transactions: number, { isPoisoned = false } = {}): Promise<void> {
    const poisoned = isPoisoned ? Math.floor(this.#random() * transactions) : -1
    for (let index = 0; index < transactions; index++) {
      const writes = Array.from({ length: PARTITIONS }, (_, partition) => ({
        topic: TOPIC,
        partition,
        records: this.#records(partition, index === poisoned && partition === index % PARTITIONS),
      }))
      await this.#commit(writes)
    }
  }

  /** A transaction that is taken back: its records and its marker take offsets, its events never happened. */
  async abortOne(broker: string): Promise<void> {
    const kafka = new Kafka({ clientId: 'lane-aborts', brokers: [broker], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: 'lane-aborts', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    const transaction = await producer.transaction()
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const messages = this.#records(partition, false).map(({ key, value, headers = {} }) => ({
        partition,
        key,
        value,
        headers,
      }))
      await transaction.send({ topic: TOPIC, messages })
    }
    await transaction.abort()
    await producer.disconnect()
  }

  #records(partition: number, isPoisoned: boolean): readonly RecordToWrite[] {
    return Array.from({ length: 1 + Math.floor(this.#random() * 4) }, (_, index) => {
      const key = `account-${partition + PARTITIONS * Math.floor((this.#random() * ACCOUNTS) / PARTITIONS)}`
      const version = (this.#versions.get(key) ?? 0) + 1
      this.#versions.set(key, version)
      const note = isPoisoned && index === 0 ? POISON : ''
      const event = Deposited({ amount: BigInt(1 + Math.floor(this.#random() * 1000)), note })
      return eventRecord(event, codec.encode(TOPIC, event).value, { key, version })
    })
  }

  async #commit(writes: Parameters<TransactionalProducer['commit']>[0]): Promise<void> {
    const deadlineMs = performance.now() + BROKER_PATIENCE_MS
    const id = { transactionalId: 'lane-writer', transactionTimeoutMs: 10_000 }
    for (;;) {
      try {
        this.#producer ??= await this.#kafka.openTransactionalProducer(id)
        const { kind } = await this.#producer.commit(writes)
        if (kind === 'committed') return
        // Doubtful: the next producer settles it, and nothing is written again.
        if (kind !== 'aborted') this.#producer = undefined
        if (kind === 'unknown') return
      } catch (error) {
        this.#producer = undefined
        if (performance.now() > deadlineMs) throw error
      }
      if (performance.now() > deadlineMs) throw new Error('the broker takes no events any more')
    }
  }
}
