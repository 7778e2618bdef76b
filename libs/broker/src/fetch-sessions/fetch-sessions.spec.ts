import { zeroUuid } from '@keyfold/bytes'
import {
  buildRecordBatch,
  CreateTopics,
  DeleteTopics,
  Fetch,
  KafkaError,
  Produce,
  type RequestInput,
} from '@keyfold/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { WireClient } from '../testing/wire-client.ts'
import { FetchSession } from './fetch-session.ts'
import { FetchSessions } from './fetch-sessions.ts'

let broker: RunningBroker
let client: WireClient
let topics = 0

beforeAll(async () => {
  broker = await startBroker({ memory: true })
  client = new WireClient(broker)
})

afterAll(async () => {
  client.close()
  await broker.close()
})

async function topicOf(numPartitions: number): Promise<{ name: string; topicId: string }> {
  const name = `t${topics++}`
  const wanted = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
  const created = await client.call(CreateTopics, 7, { topics: [wanted] })
  return { name, topicId: created.topics[0]?.topicId ?? '' }
}

async function produce(name: string, index: number, value = 'v'): Promise<void> {
  const records = buildRecordBatch({ records: [{ key: null, value: Buffer.from(value) }], timestamp: Date.now() })
  const topicData = [{ name, partitionData: [{ index, records }] }]
  await client.call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
}

function partitionsAt(offsets: Record<number, number>, partitionMaxBytes = 100_000) {
  return Object.entries(offsets).map(([partition, fetchOffset]) => ({
    partition: Number(partition),
    fetchOffset,
    partitionMaxBytes,
  }))
}

/** A fetch that does not wait, as `partition@highWatermark` or `partition!error`. */
async function fetch(request: Partial<RequestInput<typeof Fetch>>, version = 12) {
  const answer = await client.call(Fetch, version, { maxWaitMs: 0, minBytes: 0, topics: [], ...request })
  const partitions = answer.responses.flatMap(({ partitions }) =>
    partitions.map(({ partitionIndex, errorCode, highWatermark }) =>
      errorCode === 0 ? `${partitionIndex}@${highWatermark}` : `${partitionIndex}!${errorCode}`,
    ),
  )
  return { error: answer.errorCode, sessionId: answer.sessionId, partitions }
}

describe('statement 45: a fetch session', () => {
  it('statement 45: answers only what has changed: records, a watermark, an error', async () => {
    const { name } = await topicOf(3)
    const topicsOf = (offsets: Record<number, number>) => [{ topic: name, partitions: partitionsAt(offsets) }]
    const first = await fetch({ sessionEpoch: 0, topics: topicsOf({ 0: 0, 1: 0, 2: 0 }) })
    expect(first).toMatchObject({ error: 0, partitions: ['0@0', '1@0', '2@0'] })
    const { sessionId } = first
    expect(sessionId).toBeGreaterThan(0)
    expect(await fetch({ sessionId, sessionEpoch: 1 })).toEqual({ error: 0, sessionId, partitions: [] })
    await produce(name, 1)
    expect(await fetch({ sessionId, sessionEpoch: 2 })).toMatchObject({ partitions: ['1@1'] })
    // The client moves on; nothing is new for it, and nothing is said.
    expect(await fetch({ sessionId, sessionEpoch: 3, topics: topicsOf({ 1: 1 }) })).toMatchObject({ partitions: [] })
    expect(await fetch({ sessionId, sessionEpoch: 4, topics: topicsOf({ 2: 5 }) })).toMatchObject({
      partitions: [`2!${KafkaError.OFFSET_OUT_OF_RANGE.code}`],
    })
    expect(await fetch({ sessionId, sessionEpoch: 5 })).toMatchObject({ partitions: [`2!1`] })
    expect(await fetch({ sessionId, sessionEpoch: 6, topics: topicsOf({ 2: 0 }) })).toMatchObject({
      partitions: ['2@0'],
    })
  })

  it('statement 45: takes partitions in and lets them go; without any it ends', async () => {
    const { name } = await topicOf(2)
    const { sessionId } = await fetch({
      sessionEpoch: 0,
      topics: [{ topic: name, partitions: partitionsAt({ 0: 0 }) }],
    })
    const more = [{ topic: name, partitions: partitionsAt({ 1: 0 }) }]
    expect(await fetch({ sessionId, sessionEpoch: 1, topics: more })).toMatchObject({ partitions: ['1@0'] })
    const forgotten = [{ topic: name, partitions: [0] }]
    await produce(name, 0)
    expect(await fetch({ sessionId, sessionEpoch: 2, forgottenTopicsData: forgotten })).toMatchObject({
      partitions: [],
    })
    const rest = [{ topic: name, partitions: [1] }]
    expect(await fetch({ sessionId, sessionEpoch: 3, forgottenTopicsData: rest })).toMatchObject({
      error: 0,
      sessionId: 0,
    })
    expect((await fetch({ sessionId, sessionEpoch: 4 })).error).toBe(KafkaError.FETCH_SESSION_ID_NOT_FOUND.code)
  })

  it('statement 45: is refused with another epoch, an unknown id, or topics by id instead of by name', async () => {
    const { name, topicId } = await topicOf(1)
    const { sessionId } = await fetch({
      sessionEpoch: 0,
      topics: [{ topic: name, partitions: partitionsAt({ 0: 0 }) }],
    })
    const invalid = { error: KafkaError.INVALID_FETCH_SESSION_EPOCH.code, sessionId: 0, partitions: [] }
    expect(await fetch({ sessionId, sessionEpoch: 2 })).toEqual(invalid)
    const unknown = { error: KafkaError.FETCH_SESSION_ID_NOT_FOUND.code }
    expect(await fetch({ sessionId: sessionId === 1 ? 2 : 1, sessionEpoch: 1 })).toMatchObject(unknown)
    const mixed = { error: KafkaError.FETCH_SESSION_TOPIC_ID_ERROR.code }
    const byId = [{ topicId, partitions: partitionsAt({ 0: 0 }) }]
    expect(await fetch({ sessionId, sessionEpoch: 1, topics: byId }, 13)).toMatchObject(mixed)
    expect(await fetch({ sessionId, sessionEpoch: 1 })).toMatchObject({ error: 0 })
  })

  it('statement 45: closes with epoch -1, and a request without one is answered in full', async () => {
    const { name } = await topicOf(1)
    const topicsWanted = [{ topic: name, partitions: partitionsAt({ 0: 0 }) }]
    const { sessionId } = await fetch({ sessionEpoch: 0, topics: topicsWanted })
    expect(await fetch({ sessionId, sessionEpoch: -1 })).toEqual({ error: 0, sessionId: 0, partitions: [] })
    expect((await fetch({ sessionId, sessionEpoch: 1 })).error).toBe(KafkaError.FETCH_SESSION_ID_NOT_FOUND.code)
    for (let n = 0; n < 2; n++) {
      expect(await fetch({ topics: topicsWanted })).toEqual({ error: 0, sessionId: 0, partitions: ['0@0'] })
    }
  })

  it('statement 43: a session learns by id that a topic is gone', async () => {
    const { name, topicId } = await topicOf(1)
    const wanted = [{ topicId, partitions: partitionsAt({ 0: 0 }) }]
    const { sessionId } = await fetch({ sessionEpoch: 0, topics: wanted }, 13)
    await client.call(DeleteTopics, 5, { topicNames: [name], timeoutMs: 1 })
    expect(await fetch({ sessionId, sessionEpoch: 1 }, 13)).toMatchObject({
      partitions: [`0!${KafkaError.UNKNOWN_TOPIC_ID.code}`],
    })
  })

  it('statement 46: lets no busy partition starve the others', async () => {
    const { name } = await topicOf(3)
    for (let partition = 0; partition < 3; partition++) await produce(name, partition, 'x'.repeat(500))
    const wanted = [{ topic: name, partitions: partitionsAt({ 0: 0, 1: 0, 2: 0 }) }]
    const opened = await client.call(Fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1,
      sessionEpoch: 0,
      topics: wanted,
    })
    const { sessionId } = opened
    const served: number[] = []
    for (let sessionEpoch = 1; sessionEpoch <= 6; sessionEpoch++) {
      const request = { maxWaitMs: 0, minBytes: 0, maxBytes: 1, sessionId, sessionEpoch, topics: [] }
      const { responses } = await client.call(Fetch, 12, request)
      const withRecords = responses.flatMap(({ partitions }) =>
        partitions.filter(({ records }) => (records?.length ?? 0) > 0),
      )
      served.push(...withRecords.map(({ partitionIndex }) => partitionIndex))
    }
    expect(served).toEqual([1, 2, 0, 1, 2, 0])
  })
})

describe('the slots for sessions', () => {
  const request = { sessionId: 0, sessionEpoch: 0, usesTopicIds: false, forgotten: [] }
  const wanted = [
    { topic: 't', topicId: zeroUuid, partition: 0, currentLeaderEpoch: -1, fetchOffset: 0, partitionMaxBytes: 1 },
  ]

  it('statement 45: are bounded; one that nobody has used for two minutes is given to somebody else', () => {
    let nowMs = 0
    let ids = 0
    const sessions = new FetchSessions({ slots: () => 2, newId: () => ++ids, now: () => nowMs })
    const open = () => {
      const plan = sessions.plan({ ...request, wanted })
      return 'session' in plan ? plan.session?.id : plan.name
    }
    expect([open(), open(), open()]).toEqual([1, 2, undefined])
    nowMs = 100_000
    sessions.plan({ ...request, sessionId: 1, sessionEpoch: 1, wanted: [] })
    nowMs = 120_001
    expect([open(), open()]).toEqual([3, undefined])
    expect(sessions.plan({ ...request, sessionId: 2, sessionEpoch: 1, wanted })).toBe(
      KafkaError.FETCH_SESSION_ID_NOT_FOUND,
    )
    expect(sessions.size).toBe(2)
  })

  it('statement 45: a last stable offset that moves alone is told, unlike in Kafka', () => {
    const session = new FetchSession(1, false, 0)
    session.update(wanted, [])
    const [reference] = session.wanted
    const answer = { errorCode: 0, highWatermark: 5, lastStableOffset: 2, logStartOffset: 0, recordsBytes: 0 }
    const tells = (more: object) => reference !== undefined && session.tells(reference, { ...answer, ...more })
    expect([tells({}), tells({}), tells({ lastStableOffset: 5 })]).toEqual([true, false, true])
  })

  it('statement 45: the epoch goes on with 1 after the last one', () => {
    const sessions = new FetchSessions({ slots: () => 1, newId: () => 7, now: () => 0 })
    const opened = sessions.plan({ ...request, wanted })
    if (!('session' in opened) || opened.session === undefined) throw new Error('no session')
    opened.session.epoch = 0x7fff_ffff
    sessions.plan({ ...request, sessionId: 7, sessionEpoch: 0x7fff_ffff, wanted: [] })
    expect(opened.session.epoch).toBe(1)
  })
})
