import { buildRecordBatch, EndTxn, InitProducerId, Produce } from '@keyfold/protocol'
import type { RunningBroker } from '@keyfold/broker'
import type { Kafka, Producer } from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WireClient } from '../../../libs/broker/src/testing/wire-client.ts'
import { consumeAll, kafkaFor, memoryBroker } from './kafkajs-client.ts'

let broker: RunningBroker
let kafka: Kafka
let producer: Producer
let second: WireClient

beforeAll(async () => {
  broker = await memoryBroker()
  kafka = kafkaFor(broker.address)
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'shared' }] })
  await admin.disconnect()
  producer = kafka.producer({ transactionalId: 'first-generation', maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  second = new WireClient(broker)
})

afterAll(async () => {
  second.close()
  await producer.disconnect()
  await broker.close()
})

/** A transaction of the second generation: nothing is announced, and the end brings the next epoch. */
async function transaction(
  by: { producerId: number; producerEpoch: number },
  value: string,
  committed: boolean,
): Promise<{ producerId: number; producerEpoch: number }> {
  const transactionalId = 'second-generation'
  const batch = { records: [{ key: null, value: Buffer.from(value) }], timestamp: Date.now(), ...by }
  const records = buildRecordBatch({ ...batch, baseSequence: 0, isTransactional: true })
  const topicData = [{ name: 'shared', partitionData: [{ index: 0, records }] }]
  const { responses } = await second.call(Produce, 12, { transactionalId, acks: -1, timeoutMs: 1000, topicData })
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
  const { errorCode, producerId, producerEpoch } = await second.call(EndTxn, 5, { transactionalId, ...by, committed })
  expect(errorCode).toBe(0)
  return { producerId, producerEpoch }
}

it('30, 31: transactions of both generations on one partition do not see or disturb each other', async () => {
  const init = { transactionalId: 'second-generation', transactionTimeoutMs: 60_000 }
  let by: { producerId: number; producerEpoch: number } = await second.call(InitProducerId, 5, init)
  by = { producerId: by.producerId, producerEpoch: by.producerEpoch }
  const expected: string[] = []
  for (let round = 0; round < 6; round++) {
    const ofFirst = await producer.transaction()
    await ofFirst.send({ topic: 'shared', messages: [{ value: `first ${round}` }] })
    const isCommitted = round % 2 === 0
    by = await transaction(by, `second ${round}`, isCommitted)
    if (isCommitted) expected.push(`second ${round}`)
    if (round % 3 === 0) await ofFirst.abort()
    else {
      await ofFirst.commit()
      expected.push(`first ${round}`)
    }
  }
  expect(by.producerEpoch).toBe(6)
  const seen = await consumeAll(kafka, ['shared'])
  expect(seen).toHaveLength(expected.length)
  expect(new Set(seen.map(({ value }) => value))).toEqual(new Set(expected))
})
