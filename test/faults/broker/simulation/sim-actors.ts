import { CreateTopics, DeleteTopics, JoinGroup, KafkaError, SyncGroup } from '@keyfold/protocol'
import type { History, Isolation, SeenRecord, SentRecord } from '../history.ts'
import type { SimBroker } from './sim-broker.ts'
import type { Generation } from '../transaction-generations.ts'
import { type BatchToSend, type Place, type ProducerIdentity, requests } from './sim-requests.ts'

/** What actors share. They live on when the broker is killed: then `broker()` waits for its next life. */
export interface Stage {
  readonly random: () => number
  readonly history: History
  /** What the checker of histories does not know of, one line each. */
  readonly violations: string[]
  readonly places: readonly Place[]
  readonly isDone: () => boolean
  /** Waits for a turn of this actor, and for a broker that is up. */
  readonly broker: () => Promise<SimBroker>
  /** Producer ids that were given out, by whom they were asked for. */
  readonly producerIds: Map<number, string>
  /** Topics that were acknowledged as created and not yet asked to be deleted. */
  readonly topics: Set<string>
}

/** Runs a step again and again; one that ends with its process is simply over. */
export async function repeat(stage: Stage, step: (broker: SimBroker) => Promise<void>): Promise<void> {
  while (!stage.isDone()) {
    try {
      await step(await stage.broker())
    } catch (error) {
      if (!(error instanceof Error && error.name === 'ProcessGone')) throw error
    }
  }
}

/** An idempotent producer, which repeats what was not answered, and now and then what was, with the same sequences. */
export function produce(stage: Stage, name: string): Promise<void> {
  const { random, history } = stage
  let producer: ProducerIdentity | undefined
  const sequences = new Map<string, number>()
  let inDoubt: { batch: BatchToSend; records: SentRecord[] } | undefined
  const answered: { batch: BatchToSend; baseOffset: number }[] = []
  let count = 0
  let lives = 0

  const send = async (broker: SimBroker, batch: BatchToSend, records: SentRecord[]): Promise<void> => {
    inDoubt = { batch, records }
    const { errorCode, baseOffset } = await requests.produce(broker, batch)
    if (errorCode === diskHasFailed) return
    inDoubt = undefined
    if (errorCode !== 0) {
      stage.violations.push(`produce: ${name} got ${errorCode} for sequence ${batch.baseSequence} in ${keyOf(batch)}`)
      producer = undefined
      return
    }
    for (const [index, record] of records.entries()) {
      record.outcome = 'acknowledged'
      record.offset = baseOffset + index
    }
    answered.push({ batch, baseOffset })
    if (answered.length > 5) answered.shift()
  }

  return repeat(stage, async (broker) => {
    if (producer === undefined) {
      lives += 1
      producer = await newProducer(stage, broker, `${name}/${lives}`)
      sequences.clear()
      answered.splice(0)
    }
    if (inDoubt !== undefined && random() < 0.2) {
      // Given up: nobody may go on with a gap in the sequence.
      inDoubt = undefined
      producer = undefined
      return
    }
    if (inDoubt !== undefined) return send(broker, inDoubt.batch, inDoubt.records)
    const again = pick(random, answered)
    if (again !== undefined && random() < 0.15 && isAmongLastFive(answered, again)) {
      return repeatAnswered(stage, broker, again)
    }
    const place = pick(random, stage.places) ?? { topic: '', partition: 0 }
    const values = Array.from({ length: 1 + Math.floor(random() * 3) }, () => `${name}.${count++}`)
    const baseSequence = sequences.get(keyOf(place)) ?? 0
    sequences.set(keyOf(place), baseSequence + values.length)
    const records = values.map((value): SentRecord => ({
      value,
      ...place,
      producer: `${name}/${lives}`,
      outcome: 'unknown',
    }))
    history.records.push(...records)
    await send(broker, { ...producer, ...place, baseSequence, values, transactionalId: null }, records)
  })
}

/** The process is about to end: what it answers now says nothing about the batch. */
const diskHasFailed = KafkaError.KAFKA_STORAGE_ERROR.code

async function repeatAnswered(
  { violations }: Stage,
  broker: SimBroker,
  { batch, baseOffset }: { batch: BatchToSend; baseOffset: number },
): Promise<void> {
  const again = await requests.produce(broker, batch)
  if (again.errorCode === diskHasFailed || (again.errorCode === 0 && again.baseOffset === baseOffset)) return
  violations.push(`repeat: ${keyOf(batch)} at ${baseOffset} is answered with ${again.errorCode}, ${again.baseOffset}`)
}

/** Only the last five batches of a partition are remembered; this list has the last five of all. */
function isAmongLastFive(answered: readonly { batch: BatchToSend }[], { batch }: { batch: BatchToSend }): boolean {
  const [first] = answered
  return first?.batch.producerId === batch.producerId
}

async function newProducer(stage: Stage, broker: SimBroker, name: string): Promise<ProducerIdentity> {
  const { errorCode, ...producer } = await requests.initProducerId(broker, null)
  if (errorCode !== 0) stage.violations.push(`producer id: ${name} got error ${errorCode}`)
  noteProducerId(stage, producer.producerId, name)
  return producer
}

function noteProducerId({ producerIds, violations }: Stage, producerId: number, owner: string): void {
  const other = producerIds.get(producerId)
  if (other !== undefined && other !== owner)
    violations.push(`producer id: ${producerId} went to ${other} and ${owner}`)
  producerIds.set(producerId, owner)
}

/** A transactional producer, of clients before KIP-890 or after: begins, writes here and there, moves a group, ends. */
export function transact(stage: Stage, transactionalId: string, generation: Generation = 1): Promise<void> {
  const { random, history } = stage
  let count = 0
  let producer: ProducerIdentity | undefined
  const sequences = new Map<string, number>()

  return repeat(stage, async (broker) => {
    if (producer === undefined) {
      const { errorCode, ...given } = await requests.initProducerId(broker, transactionalId)
      if (errorCode === KafkaError.CONCURRENT_TRANSACTIONS.code) return
      noteProducerId(stage, given.producerId, transactionalId)
      producer = given
      sequences.clear()
    }
    const mine = producer
    // Whatever goes wrong, the next step begins with a new epoch.
    producer = undefined
    count += 1
    const entry = newTransaction(stage, transactionalId, count)
    const places = shuffled(random, stage.places).slice(0, 1 + Math.floor(random() * 3))
    const isAnnounced = generation === 1
    if (isAnnounced && (await requests.addPartitions(broker, transactionalId, mine, places)) !== 0) return
    for (const place of places) {
      const values = Array.from({ length: 1 + Math.floor(random() * 2) }, (_, n) => `${entry.id}.${keyOf(place)}.${n}`)
      const baseSequence = sequences.get(keyOf(place)) ?? 0
      sequences.set(keyOf(place), baseSequence + values.length)
      for (const value of values) {
        history.records.push({ value, ...place, producer: transactionalId, transaction: entry.id, outcome: 'unknown' })
      }
      const batch = { ...mine, ...place, baseSequence, values, transactionalId }
      const sent = await requests.produce(await stage.broker(), batch, generation)
      if (sent.errorCode !== 0) return
    }
    const { position } = entry
    if (position !== undefined) {
      history.positions.push({ ...position, kind: 'sent', transaction: entry.id })
      const staged = { ...position, generation }
      if ((await requests.stageOffset(await stage.broker(), transactionalId, mine, staged)) !== 0) return
    }
    const committed = random() < 0.7
    if (committed) entry.outcome = 'unknown'
    const end = { ...mine, generation, committed }
    const { errorCode, next } = await requests.endTransaction(await stage.broker(), transactionalId, end)
    // Refused: it timed out or was fenced, so it is aborted.
    if (committed) entry.outcome = errorCode === 0 ? 'acknowledged' : 'refused'
    if (errorCode !== 0) return
    if (committed && position !== undefined) {
      history.positions.push({ ...position, kind: 'acknowledged', transaction: entry.id })
    }
    producer = next
    if (next.producerEpoch !== mine.producerEpoch || next.producerId !== mine.producerId) sequences.clear()
  })
}

function newTransaction({ history, random }: Stage, transactionalId: string, count: number) {
  const position = { group: `${transactionalId}-group`, topic: 'source', partition: 0, offset: count }
  const entry = {
    id: `${transactionalId}#${count}`,
    // Until EndTxn is on its way nothing can commit it.
    outcome: 'refused' as SentRecord['outcome'],
    ...(random() < 0.6 && { position }),
  }
  history.transactions.push(entry)
  return entry
}

/** A simple consumer that commits positions, always forward, and looks at them. */
export function commitOffsets(stage: Stage, group: string): Promise<void> {
  const { random, history } = stage
  const place = { topic: 'source', partition: 0 }
  let offset = 0
  return repeat(stage, async (broker) => {
    if (random() < 0.3) {
      const before = history.positions.length
      const found = await requests.fetchOffset(broker, group, place)
      // What is acknowledged while the question is under way may not be in the answer.
      if (found !== undefined && found >= 0) {
        history.positions.splice(before, 0, { group, ...place, offset: found, kind: 'fetched' })
      }
      return
    }
    offset += 1
    const position = { group, ...place, offset }
    history.positions.push({ ...position, kind: 'sent' })
    const errorCode = await requests.commitOffset(broker, position)
    if (errorCode === 0) history.positions.push({ ...position, kind: 'acknowledged' })
    else if (errorCode !== KafkaError.KAFKA_STORAGE_ERROR.code)
      stage.violations.push(`commit: ${group} got ${errorCode}`)
  })
}

/** Follows a partition after the other; records all it sees. */
export function read(stage: Stage, reader: string, isolation: Isolation): Promise<void> {
  const { random, history } = stage
  const positions = new Map<string, number>()
  return repeat(stage, async (broker) => {
    const place = pick(random, stage.places) ?? { topic: '', partition: 0 }
    const offset = random() < 0.1 ? 0 : (positions.get(keyOf(place)) ?? 0)
    const { errorCode, records, nextOffset } = await requests.fetch(broker, place, { offset, isolation })
    if (errorCode !== 0) stage.violations.push(`vanished: ${reader} gets ${errorCode} for ${keyOf(place)} at ${offset}`)
    positions.set(keyOf(place), nextOffset)
    for (const record of records) history.seen.push({ reader, isolation, ...place, ...record } satisfies SeenRecord)
  })
}

/** Joins a group again and again: what has handed out work once is never followed by a generation of the same number. */
export function join(stage: Stage, groupId: string): Promise<void> {
  let last = 0
  return repeat(stage, async (broker) => {
    const request = { groupId, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocolType: 'consumer' }
    const protocols = [{ name: 'range', metadata: Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }]
    const joined = await broker.call(JoinGroup, 3, { ...request, memberId: '', protocols })
    const { errorCode, generationId, memberId } = joined
    if (errorCode !== 0) return
    if (generationId <= last) stage.violations.push(`generation: ${generationId} of ${groupId} after ${last}`)
    const assignments = [{ memberId, assignment: Buffer.from('all') }]
    const synced = await (await stage.broker()).call(SyncGroup, 3, { groupId, generationId, memberId, assignments })
    if (synced.errorCode === 0) last = generationId
  })
}

/** Creates and deletes topics; in between the storage makes checkpoints. */
export function keep(stage: Stage): Promise<void> {
  let count = 0
  return repeat(stage, async (broker) => {
    const chance = stage.random()
    if (chance < 0.6) return broker.checkpoint()
    const [old] = stage.topics
    if (chance < 0.75 && old !== undefined) {
      stage.topics.delete(old)
      await broker.call(DeleteTopics, 3, { topicNames: [old], timeoutMs: 1000 })
      return
    }
    const name = `extra-${count++}`
    const topic = { name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
    const { topics } = await broker.call(CreateTopics, 4, { topics: [topic], timeoutMs: 1000 })
    if (topics[0]?.errorCode === 0) stage.topics.add(name)
  })
}

export function keyOf({ topic, partition }: Place): string {
  return `${topic}-${partition}`
}

function pick<T>(random: () => number, list: readonly T[]): T | undefined {
  return list[Math.floor(random() * list.length)]
}

function shuffled<T>(random: () => number, list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}
