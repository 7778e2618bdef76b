import { HEADERS } from '@keyfold/event-store'
import type { KafkaClient, PartitionWrite, RecordToWrite } from '@keyfold/kafka'
import { eventRecord } from '@keyfold/testing'
import { Kafka, logLevel } from 'kafkajs'
import { ASKS, codec, Deposited, PARTITIONS, POISON, TOPIC } from './ledger.ts'
import { PatientProducer } from './patient-producer.ts'

const ACCOUNTS = 16
const ASKING_SHARE = 0.15
/** Tries of a transaction that is taken back: each waits as long as kafkajs does for a broker. */
const abortsMax = 5

/** An event whose commit was acknowledged. */
export interface Acknowledged {
  readonly account: string
  readonly partition: number
  readonly offset: number
  readonly version: number
}

/** Writes deposits as an event store would, through broker restarts; what became of a doubtful one the log knows. */
export class LedgerWriter {
  /** The newest acknowledged event of each account. */
  readonly acknowledged = new Map<string, Acknowledged>()
  readonly #random: () => number
  readonly #versions = new Map<string, number>()
  readonly #producer: PatientProducer
  #next = Promise.withResolvers<void>()

  constructor(kafka: KafkaClient, random: () => number) {
    this.#producer = new PatientProducer(kafka, { transactionalId: 'lane-writer', whenFenced: 'take back' })
    this.#random = random
  }

  /** Commits that had to be begun again, or were left in doubt. */
  get troubles(): number {
    return this.#producer.troubles
  }

  /** Resolves with the next acknowledgement. */
  get nextAcknowledged(): Promise<void> {
    return this.#next.promise
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

  /**
   * A transaction that is taken back: its records and its marker take offsets, its events never happened. When the broker
   * is killed meanwhile it is tried again: to open the id anew takes back what the try before has left.
   */
  async abortOne(broker: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#abortOne(broker)
      } catch (error) {
        if (tries === abortsMax) throw error
      }
    }
  }

  async #abortOne(broker: string): Promise<void> {
    const kafka = new Kafka({ clientId: 'lane-aborts', brokers: [broker], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: 'lane-aborts', maxInFlightRequests: 1, idempotent: true })
    try {
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
    } finally {
      await producer.disconnect()
    }
  }

  #records(partition: number, isPoisoned: boolean): readonly RecordToWrite[] {
    return Array.from({ length: 1 + Math.floor(this.#random() * 4) }, (_, index) => {
      const key = `account-${partition + PARTITIONS * Math.floor((this.#random() * ACCOUNTS) / PARTITIONS)}`
      const version = (this.#versions.get(key) ?? 0) + 1
      this.#versions.set(key, version)
      const note = isPoisoned && index === 0 ? POISON : this.#random() < ASKING_SHARE ? ASKS : ''
      const event = Deposited({ amount: BigInt(1 + Math.floor(this.#random() * 1000)), note })
      return eventRecord(event, codec.encode(TOPIC, event).value, { key, version })
    })
  }

  async #commit(writes: readonly PartitionWrite[]): Promise<void> {
    const bases = await this.#producer.commit(writes)
    if (bases === undefined) return
    for (const [index, { partition, records }] of writes.entries())
      for (const [place, record] of records.entries()) {
        const account = String(record.key)
        const version = Number(record.headers?.[HEADERS.version])
        this.acknowledged.set(account, { account, partition, offset: (bases[index] ?? 0) + place, version })
      }
    this.#next.resolve()
    this.#next = Promise.withResolvers()
  }
}
