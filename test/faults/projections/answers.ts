import type { KafkaClient } from '@keyfold/kafka'
import { eventRecord } from '@keyfold/testing'
import { answerTo, codec, Deposited, PARTITIONS, type Place, TOPIC } from './ledger.ts'
import { PatientProducer, type PatientProducerOptions } from './patient-producer.ts'

const ATTEMPTS = 20

/**
 * A process manager: what asks for an answer gets one, in another partition, at least once and under a key of its own.
 * Whoever takes over ends the transactions of its predecessor: one that stays open would hold back all readers.
 */
export class Answers {
  readonly #producers: readonly PatientProducer[]

  constructor(kafka: KafkaClient, whenFenced: PatientProducerOptions['whenFenced']) {
    this.#producers = Array.from(
      { length: PARTITIONS },
      (_, partition) => new PatientProducer(kafka, { transactionalId: `lane-answers-${partition}`, whenFenced }),
    )
  }

  async takeOver(partitions: Iterable<number> = this.#producers.keys()): Promise<void> {
    for (const partition of partitions) await this.#producers[partition]?.takeOver()
  }

  async write({ partition, offset }: Place): Promise<void> {
    const producer = this.#producers[partition]
    if (producer === undefined) throw new RangeError(`there is no partition ${partition}`)
    const event = Deposited({ amount: 1n, note: answerTo({ partition, offset }) })
    const record = eventRecord(event, codec.encode(TOPIC, event).value, {
      key: `answer-${partition}-${offset}`,
      version: 1,
    })
    const write = { topic: TOPIC, partition: (partition + 1) % PARTITIONS, records: [record] }
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) if ((await producer.commit([write])) !== undefined) return
    throw new Error(`no answer to ${partition}/${offset} can be written`)
  }
}
