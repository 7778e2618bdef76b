import {
  buildRecordBatch,
  type CompressionName,
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  InitProducerId,
  Produce,
} from '@keyfold/protocol'
import type { SentRecord } from '../history.ts'
import type { BatchToSend, Place } from '../simulation/sim-requests.ts'
import { compressors, type Scene, type SceneProducer } from './scene.ts'

/** One thing that a script does. It throws on an answer that a sound broker does not give. */
export type Step = (scene: Scene) => Promise<void>

/** `topic-partition` */
export function placeOf(text: string): Place {
  const at = text.lastIndexOf('-')
  return { topic: text.slice(0, at), partition: Number(text.slice(at + 1)) }
}

export function expectNone(what: string, errorCode: number | undefined): void {
  if (errorCode !== 0) throw new Error(`${what} is answered with ${errorCode}`)
}

const timeoutMs = 1000

export const createTopic =
  (name: string, numPartitions = 1, configs: Record<string, string> = {}): Step =>
  async (scene) => {
    const list = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: list }
    const { topics } = await scene.ask(CreateTopics, 4, { topics: [topic], timeoutMs })
    expectNone(`creating ${name}`, topics[0]?.errorCode)
    scene.shrink()
  }

/** What was in the topic and who wrote it no longer counts. */
export const deleteTopic =
  (name: string): Step =>
  async (scene) => {
    scene.forgetTopic(name)
    const { responses } = await scene.ask(DeleteTopics, 3, { topicNames: [name], timeoutMs })
    expectNone(`deleting ${name}`, responses[0]?.errorCode)
  }

export const addPartitions =
  (name: string, count: number): Step =>
  async (scene) => {
    const topics = [{ name, count, assignments: null }]
    const { results } = await scene.ask(CreatePartitions, 3, { topics, timeoutMs, validateOnly: false })
    expectNone(`growing ${name}`, results[0]?.errorCode)
    scene.shrink()
  }

export const deleteRecords =
  (at: string, offset: number): Step =>
  async (scene) => {
    const { topic, partition } = placeOf(at)
    scene.forgetRecords({ topic, partition }, offset)
    const partitions = [{ partitionIndex: partition, offset }]
    const { topics } = await scene.ask(DeleteRecords, 2, { topics: [{ name: topic, partitions }], timeoutMs })
    expectNone(`deleting records of ${at}`, topics[0]?.partitions[0]?.errorCode)
  }

/** A batch without a producer id. */
export const send =
  (at: string, count = 1, options: SendOptions = {}): Step =>
  async (scene) => {
    const { values, records } = newRecords(scene, { at, count, producer: 'nobody' })
    const batch = { ...noProducer, ...placeOf(at), baseSequence: -1, values, transactionalId: null }
    await answered(scene, batch, records, options)
  }

/** A batch of an idempotent producer, which gets its id first if it has none. */
export const sendAs =
  (name: string, at: string, count = 1, options: SendOptions = {}): Step =>
  async (scene) => {
    const producer = scene.producers.get(name) ?? (await initialise(scene, name))
    const { values, records } = newRecords(scene, { at, count, producer: name })
    const baseSequence = producer.sequences.get(at) ?? 0
    const { producerId, producerEpoch } = producer
    const batch = { producerId, producerEpoch, ...placeOf(at), baseSequence, values, transactionalId: null }
    producer.sequences.set(at, baseSequence + count)
    producer.inDoubt = { batch, options }
    const baseOffset = await answered(scene, batch, records, options)
    delete producer.inDoubt
    producer.answered.set(at, { batch, baseOffset, options })
  }

/** Sends the last batch once more: it has to get the same answer. */
export const sendAgain =
  (name: string, at: string): Step =>
  async (scene) => {
    const last = scene.producers.get(name)?.answered.get(at)
    if (last === undefined) throw new Error(`${name} has sent nothing to ${at}`)
    const { errorCode, baseOffset } = await sendBatch(scene, last.batch, last.options)
    if (errorCode !== 0 || baseOffset !== last.baseOffset) {
      throw new Error(`a repetition is answered with ${errorCode}, ${baseOffset}`)
    }
  }

/** A record with a key, for compacted topics; null is a tombstone. */
export const put =
  (at: string, key: string, value: string | null): Step =>
  async (scene) => {
    const { topic, partition } = placeOf(at)
    const write = { topic, key, value, outcome: 'unknown' as SentRecord['outcome'] }
    scene.keyed.push(write)
    const records = keyedBatch(scene, [[key, value]], noProducer)
    const errorCode = await produceBytes(scene, { topic, partition, records, transactionalId: null })
    expectNone(`putting ${key}`, errorCode)
    write.outcome = 'acknowledged'
  }

export interface SendOptions {
  readonly compression?: CompressionName
}

export const noProducer = { producerId: -1, producerEpoch: -1 }

async function initialise(scene: Scene, name: string): Promise<SceneProducer> {
  const { errorCode, producerId, producerEpoch } = await scene.ask(InitProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: 2000,
  })
  expectNone(`initialising ${name}`, errorCode)
  const producer: SceneProducer = {
    producerId,
    producerEpoch,
    transactionalId: null,
    sequences: new Map(),
    answered: new Map(),
    count: 0,
  }
  scene.producers.set(name, producer)
  return producer
}

export function newRecords(
  scene: Scene,
  { at, count, producer, transaction }: { at: string; count: number; producer: string; transaction?: string },
): { values: string[]; records: SentRecord[] } {
  const first = scene.history.records.length
  const values = Array.from({ length: count }, (_, index) => `${transaction ?? producer}.${first + index}`)
  const records = values.map((value): SentRecord => ({
    value,
    ...placeOf(at),
    producer,
    outcome: 'unknown',
    ...(transaction !== undefined && { transaction }),
  }))
  scene.history.records.push(...records)
  return { values, records }
}

async function answered(scene: Scene, batch: BatchToSend, records: SentRecord[], options: SendOptions) {
  const { errorCode, baseOffset } = await sendBatch(scene, batch, options)
  expectNone(`sending to ${batch.topic}-${batch.partition}`, errorCode)
  for (const [index, record] of records.entries()) {
    record.outcome = 'acknowledged'
    record.offset = baseOffset + index
  }
  return baseOffset
}

async function sendBatch(scene: Scene, batch: BatchToSend, options: SendOptions) {
  const { topic, partition } = batch
  const request = { transactionalId: null, acks: -1, timeoutMs }
  const partitionData = [{ index: partition, records: bytesOf(batch, scene.clock.wall(), options) }]
  const response = await scene.ask(Produce, 9, { ...request, topicData: [{ name: topic, partitionData }] })
  const answer = response.responses[0]?.partitionResponses[0]
  return { errorCode: answer?.errorCode ?? -1, baseOffset: answer?.baseOffset ?? -1 }
}

/** A batch as its producer sends it. */
export function bytesOf(batch: BatchToSend, timestamp: number, { compression = 'none' }: SendOptions = {}): Buffer {
  const { values, transactionalId, producerId, producerEpoch, baseSequence } = batch
  return buildRecordBatch({
    records: values.map((value) => ({ key: null, value: Buffer.from(value.padEnd(60)) })),
    timestamp,
    isTransactional: transactionalId !== null,
    producerId,
    producerEpoch,
    baseSequence,
    compression,
    compressors,
  })
}

export function keyedBatch(
  scene: Scene,
  entries: readonly (readonly [key: string, value: string | null])[],
  producer: { producerId: number; producerEpoch: number; baseSequence?: number; isTransactional?: boolean },
): Buffer {
  return buildRecordBatch({
    records: entries.map(([key, value]) => ({
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value.padEnd(60)),
    })),
    timestamp: scene.clock.wall(),
    ...producer,
  })
}

async function produceBytes(
  scene: Scene,
  { topic, partition, records, transactionalId }: Place & { records: Buffer; transactionalId: string | null },
): Promise<number> {
  const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
  const response = await scene.ask(Produce, 9, { transactionalId, acks: -1, timeoutMs, topicData })
  return response.responses[0]?.partitionResponses[0]?.errorCode ?? -1
}
