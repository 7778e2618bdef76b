import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  EndTxn,
  InitProducerId,
  KafkaError,
  Produce,
  TxnOffsetCommit,
} from '@keyfold/protocol'
import { type Generation, versions } from '../transaction-generations.ts'
import type { Scene, SceneProducer } from './scene.ts'
import { bytesOf, expectNone, keyedBatch, newRecords, placeOf, type Step } from './steps-logs.ts'

const timeoutMs = 1000

/** InitProducerId. Whoever had the id before is fenced, and what it had under way is over. */
export const init =
  (transactionalId: string, transactionTimeoutMs = 2000): Step =>
  async (scene) => {
    const before = scene.producers.get(transactionalId)
    delete before?.open
    delete before?.hasBegun
    const request = { transactionalId, transactionTimeoutMs }
    let answer = await scene.say(InitProducerId, 4, request)
    // The one whose transaction is open is fenced first.
    if (answer.errorCode === KafkaError.CONCURRENT_TRANSACTIONS.code) {
      answer = await scene.say(InitProducerId, 4, request)
    }
    const { errorCode, producerId, producerEpoch } = answer
    expectNone(`initialising ${transactionalId}`, errorCode)
    // Only a new owner is promised something.
    scene.promise()
    if (before !== undefined) scene.fenced.push({ transactionalId, producer: before })
    const count = before?.count ?? 0
    const nothing = { sequences: new Map(), answered: new Map(), count }
    scene.producers.set(transactionalId, { producerId, producerEpoch, transactionalId, ...nothing })
  }

/** Begins a transaction: nothing is sent. */
export const begin =
  (transactionalId: string): Step =>
  (scene) => {
    const producer = known(scene, transactionalId)
    producer.count += 1
    producer.open = `${transactionalId}#${producer.count}`
    // Until EndTxn is on its way nothing can commit it.
    scene.history.transactions.push({ id: producer.open, outcome: 'refused' })
    return Promise.resolve()
  }

/** AddPartitionsToTxn, which clients of transaction version 2 do not need. */
export const add =
  (transactionalId: string, ...places: string[]): Step =>
  async (scene) => {
    const producer = known(scene, transactionalId)
    const topics = [...Map.groupBy(places.map(placeOf), ({ topic }) => topic)].map(([name, list]) => ({
      name,
      partitions: list.map(({ partition }) => partition),
    }))
    const response = await scene.say(AddPartitionsToTxn, 3, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producer.producerId,
      v3AndBelowProducerEpoch: producer.producerEpoch,
      v3AndBelowTopics: topics,
    })
    for (const topic of response.resultsByTopicV3AndBelow) {
      for (const { partitionErrorCode } of topic.resultsByPartition) expectNone('adding', partitionErrorCode)
    }
  }

/** A batch in the transaction: answered once the beginning of the transaction is durable. */
export const write =
  (transactionalId: string, at: string, count = 1, generation: Generation = 1): Step =>
  async (scene) => {
    const producer = known(scene, transactionalId)
    const { open: transaction = '', producerId, producerEpoch } = producer
    const { values } = newRecords(scene, { at, count, producer: transactionalId, transaction })
    const baseSequence = nextSequence(producer, at, count)
    const batch = { producerId, producerEpoch, ...placeOf(at), baseSequence, values, transactionalId }
    await sendInTransaction(scene, { at, records: bytesOf(batch, scene.clock.wall()), transactionalId, generation })
  }

/** The same for a record with a key. */
export const writeKeyed =
  (transactionalId: string, at: string, key: string, value: string | null): Step =>
  async (scene) => {
    const producer = known(scene, transactionalId)
    const { open: transaction = '', producerId, producerEpoch } = producer
    scene.keyed.push({ topic: placeOf(at).topic, key, value, transaction, outcome: 'unknown' })
    const baseSequence = nextSequence(producer, at, 1)
    const records = keyedBatch(scene, [[key, value]], {
      producerId,
      producerEpoch,
      baseSequence,
      isTransactional: true,
    })
    await sendInTransaction(scene, { at, records, transactionalId, generation: 1 })
  }

/** Gives a position to a group, if the transaction commits. */
export const stage =
  (transactionalId: string, groupId: string, at: string, offset: number, generation: Generation = 1): Step =>
  async (scene) => {
    const { open: transaction = '', producerId, producerEpoch } = known(scene, transactionalId)
    const who = { transactionalId, producerId, producerEpoch, groupId }
    const { topic, partition } = placeOf(at)
    const position = { group: groupId, topic, partition, offset }
    scene.history.positions.push({ ...position, kind: 'sent', transaction })
    const entry = scene.history.transactions.find(({ id }) => id === transaction)
    Object.assign(entry ?? {}, { position })
    if (generation === 1) expectNone('adding a group', (await scene.say(AddOffsetsToTxn, 3, who)).errorCode)
    const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: null }]
    const version = versions[generation].stage
    const response = await scene.say(TxnOffsetCommit, version, { ...who, topics: [{ name: topic, partitions }] })
    expectNone('staging an offset', response.topics[0]?.partitions[0]?.errorCode)
    known(scene, transactionalId).hasBegun = true
  }

export const commit = (transactionalId: string, generation: Generation = 1): Step =>
  end(transactionalId, true, generation)

export const abort = (transactionalId: string, generation: Generation = 1): Step =>
  end(transactionalId, false, generation)

function end(transactionalId: string, committed: boolean, generation: Generation): Step {
  return async (scene) => {
    const producer = known(scene, transactionalId)
    const { open, producerId, producerEpoch } = producer
    const entry = scene.history.transactions.find(({ id }) => id === open)
    if (entry === undefined) throw new Error(`${transactionalId} has nothing to end`)
    if (committed) entry.outcome = 'unknown'
    // From here on a crash may find it ended: whether its producer may go on is no longer certain.
    delete producer.open
    delete producer.hasBegun
    const answer = await scene.ask(EndTxn, versions[generation].end, {
      transactionalId,
      producerId,
      producerEpoch,
      committed,
    })
    expectNone(`ending ${open}`, answer.errorCode)
    if (committed) settle(scene, entry.id)
    if (generation === 2) {
      scene.fenced.push({ transactionalId, producer: { producerId, producerEpoch } })
      scene.producers.set(transactionalId, {
        ...producer,
        producerId: answer.producerId,
        producerEpoch: answer.producerEpoch,
        sequences: new Map(),
      })
    }
  }
}

/** A commit was answered: everything in it counts. */
function settle({ history, keyed }: Scene, id: string): void {
  const entry = history.transactions.find((transaction) => transaction.id === id)
  if (entry === undefined) return
  entry.outcome = 'acknowledged'
  if (entry.position !== undefined) history.positions.push({ ...entry.position, kind: 'acknowledged', transaction: id })
  for (const each of keyed) if (each.transaction === id) each.outcome = 'acknowledged'
}

/** The transaction of this producer is over without its doing: whatever a crash takes, its time is up. */
export const timedOut =
  (transactionalId: string): Step =>
  (scene) => {
    const producer = known(scene, transactionalId)
    delete producer.open
    delete producer.hasBegun
    scene.fenced.push({ transactionalId, producer })
    return Promise.resolve()
  }

function known({ producers }: Scene, transactionalId: string): SceneProducer {
  const producer = producers.get(transactionalId)
  if (producer === undefined) throw new Error(`${transactionalId} has not been initialised`)
  return producer
}

function nextSequence(producer: SceneProducer, at: string, count: number): number {
  const baseSequence = producer.sequences.get(at) ?? 0
  producer.sequences.set(at, baseSequence + count)
  return baseSequence
}

async function sendInTransaction(
  scene: Scene,
  {
    at,
    records,
    transactionalId,
    generation,
  }: { at: string; records: Buffer; transactionalId: string; generation: Generation },
): Promise<void> {
  const { topic, partition } = placeOf(at)
  const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
  const request = { transactionalId, acks: -1, timeoutMs, topicData }
  const response = await scene.say(Produce, versions[generation].produce, request)
  expectNone(`writing to ${at}`, response.responses[0]?.partitionResponses[0]?.errorCode)
  known(scene, transactionalId).hasBegun = true
}
