import { zeroUuid } from '@keyfold/bytes'
import {
  buildRecordBatch,
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  DescribeConfigs,
  DescribeTopicPartitions,
  Fetch,
  IncrementalAlterConfigs,
  KafkaError,
  ListOffsets,
  Metadata,
  OffsetForLeaderEpoch,
  Produce,
} from '@keyfold/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { WireClient } from '../testing/wire-client.ts'

let broker: RunningBroker
let client: WireClient

beforeAll(async () => {
  broker = await startBroker({ memory: true, config: { 'keyfold.partitions.max': 200, 'num.partitions': 2 } })
  client = new WireClient(broker)
})

afterAll(async () => {
  client.close()
  await broker.close()
})

interface NewTopic {
  name: string
  numPartitions?: number
  configs?: { name: string; value: string }[]
}

async function create(...topics: NewTopic[]) {
  const complete = topics.map((topic) => ({
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...topic,
  }))
  return (await client.call(CreateTopics, 7, { topics: complete })).topics
}

function nameOf(code: number | undefined): string {
  return Object.values(KafkaError).find((error) => error.code === code)?.name ?? `${code}`
}

async function produce(name: string, records: { key?: string; value: string; timestamp?: number }[]) {
  const batch = buildRecordBatch({
    records: records.map(({ key, value, timestamp }) => ({
      key: key === undefined ? null : Buffer.from(key),
      value: Buffer.from(value),
      timestamp: timestamp ?? 1_700_000_000_000,
    })),
  })
  const topicData = [{ name, partitionData: [{ index: 0, records: batch }] }]
  const answer = await client.call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  return answer.responses[0]?.partitionResponses[0]
}

describe('statement 53: creating topics', () => {
  it('statement 53: answers with the id, the counts and the settings', async () => {
    const [topic] = await create({ name: 'made', numPartitions: -1, configs: [{ name: 'retention.ms', value: '7' }] })
    expect(topic).toMatchObject({ errorCode: 0, numPartitions: 2, replicationFactor: 1 })
    expect(topic?.topicId).not.toBe(zeroUuid)
    expect(topic?.configs).toContainEqual({
      name: 'retention.ms',
      value: '7',
      readOnly: false,
      configSource: 1,
      isSensitive: false,
    })
  })

  it('statement 53: refuses what exists, what collides, what comes twice, and only that', async () => {
    await create({ name: 'a.b' })
    const answers = await create(
      { name: 'a.b' },
      { name: 'a_b' },
      { name: 'twice' },
      { name: 'twice' },
      { name: 'fine' },
    )
    expect(Object.fromEntries(answers.map(({ name, errorCode }) => [name, nameOf(errorCode)]))).toEqual({
      'a.b': 'TOPIC_ALREADY_EXISTS',
      a_b: 'INVALID_TOPIC_EXCEPTION',
      twice: 'INVALID_REQUEST',
      fine: 'NONE',
    })
  })

  it('validates without creating', async () => {
    const topics = [{ name: 'only-checked', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
    expect((await client.call(CreateTopics, 7, { topics, validateOnly: true })).topics[0]?.errorCode).toBe(0)
    const { topics: found } = await client.call(Metadata, 12, {
      topics: [{ name: 'only-checked' }],
      allowAutoTopicCreation: false,
    })
    expect(nameOf(found[0]?.errorCode)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('stops at the number of partitions that the broker keeps', async () => {
    expect(nameOf((await create({ name: 'huge', numPartitions: 300 }))[0]?.errorCode)).toBe('POLICY_VIOLATION')
    const topics = [{ name: 'made', count: 300, assignments: null }]
    const grown = await client.call(CreatePartitions, 3, { topics, timeoutMs: 1, validateOnly: false })
    expect(nameOf(grown.results[0]?.errorCode)).toBe('POLICY_VIOLATION')
  })
})

it.each<[string, object, string]>([
  ['no partitions', { numPartitions: 0 }, 'INVALID_PARTITIONS'],
  ['more replicas than nodes', { replicationFactor: 2 }, 'INVALID_REPLICATION_FACTOR'],
  [
    'replicas on a node that is not there',
    { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [9] }] },
    'INVALID_REPLICA_ASSIGNMENT',
  ],
  ['a setting that does not exist', { configs: [{ name: 'nonsense', value: '1' }] }, 'INVALID_CONFIG'],
  ['a value that does not fit', { configs: [{ name: 'retention.ms', value: 'long' }] }, 'INVALID_CONFIG'],
  ['an empty name', { name: '' }, 'INVALID_TOPIC_EXCEPTION'],
  ['a name with a slash', { name: 'a/b' }, 'INVALID_TOPIC_EXCEPTION'],
  ['a name of 250 characters', { name: 'x'.repeat(250) }, 'INVALID_TOPIC_EXCEPTION'],
])('statements 50, 53: refuses %s', async (_, topic, error) => {
  expect(nameOf((await create({ name: 'refused', ...topic }))[0]?.errorCode)).toBe(error)
})

it('statement 54: partitions are only ever added', async () => {
  await create({ name: 'growing', numPartitions: 2 })
  const grow = async (count: number) => {
    const request = { topics: [{ name: 'growing', count, assignments: null }], timeoutMs: 1, validateOnly: false }
    return nameOf((await client.call(CreatePartitions, 3, request)).results[0]?.errorCode)
  }
  expect([await grow(1), await grow(2), await grow(3)]).toEqual(['INVALID_PARTITIONS', 'INVALID_PARTITIONS', 'NONE'])
  const { topics } = await client.call(Metadata, 12, { topics: [{ name: 'growing' }] })
  expect(topics[0]?.partitions).toHaveLength(3)
})

describe('statements 50, 51: metadata', () => {
  it('statement 51: names topics by id; unknown ids and invalid names have their errors', async () => {
    const [topic] = await create({ name: 'identified' })
    const wanted = [
      { name: null, topicId: topic?.topicId ?? '' },
      // As Java asks.
      { name: '', topicId: topic?.topicId ?? '' },
      { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' },
      { name: '..' },
    ]
    const { topics } = await client.call(Metadata, 12, { topics: wanted })
    expect(topics.map(({ name, errorCode }) => [name, nameOf(errorCode)])).toEqual([
      ['identified', 'NONE'],
      ['identified', 'NONE'],
      [null, 'UNKNOWN_TOPIC_ID'],
      ['..', 'INVALID_TOPIC_EXCEPTION'],
    ])
  })

  it('statement 50: of nothing is nothing, of null is everything; in version 0 of nothing is everything', async () => {
    expect((await client.call(Metadata, 1, { topics: [] })).topics).toEqual([])
    const all = (await client.call(Metadata, 1, { topics: null })).topics.length
    expect(all).toBeGreaterThan(0)
    expect((await client.call(Metadata, 0, { topics: [] })).topics).toHaveLength(all)
  })

  it('statement 51: a topic that is deleted and created again has another id', async () => {
    const [first] = await create({ name: 'again' })
    await client.call(DeleteTopics, 6, { topics: [{ name: null, topicId: first?.topicId ?? '' }], timeoutMs: 1 })
    const [second] = await create({ name: 'again' })
    expect(second).toMatchObject({ errorCode: 0 })
    expect(second?.topicId).not.toBe(first?.topicId)
  })
})

it('statement 43: a fetch that waits on a topic ends when the topic is deleted', async () => {
  const [topic] = await create({ name: 'doomed' })
  const waiting = new WireClient(broker)
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
  const topics = [{ topicId: topic?.topicId ?? '', partitions }]
  const fetched = waiting.call(Fetch, 13, { maxWaitMs: 20_000, minBytes: 1, topics })
  await client.call(Metadata, 1, { topics: [] })
  await client.call(DeleteTopics, 5, { topicNames: ['doomed'], timeoutMs: 1 })
  const { responses } = await fetched
  // As in Kafka, where the log misses it and not the catalog, which would know it by its id.
  const [gone] = responses[0]?.partitions ?? []
  expect([nameOf(gone?.errorCode), gone?.abortedTransactions]).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', null])
  waiting.close()
})

it('statements 5, 49: a compacted topic wants keys and keeps its records', async () => {
  await create({ name: 'compacted', configs: [{ name: 'cleanup.policy', value: 'compact' }] })
  const refused = await produce('compacted', [{ value: 'no key' }])
  expect(nameOf(refused?.errorCode)).toBe('INVALID_RECORD')
  expect(refused?.recordErrors).toMatchObject([{ batchIndex: 0 }])
  expect((await produce('compacted', [{ key: 'k', value: 'v' }]))?.errorCode).toBe(0)
  const topics = [{ name: 'compacted', partitions: [{ partitionIndex: 0, offset: 1 }] }]
  const deleted = await client.call(DeleteRecords, 2, { topics, timeoutMs: 1 })
  expect(nameOf(deleted.topics[0]?.partitions[0]?.errorCode)).toBe('POLICY_VIOLATION')
})

it('statement 7: a topic with LogAppendTime stamps its records itself', async () => {
  await create({ name: 'stamped', configs: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }] })
  const before = Date.now()
  const produced = await produce('stamped', [{ value: 'v', timestamp: 5 }])
  expect(produced?.logAppendTimeMs).toBeGreaterThanOrEqual(before)
  const topics = [{ name: 'stamped', partitions: [{ partitionIndex: 0, timestamp: before }] }]
  const found = await client.call(ListOffsets, 7, { replicaId: -1, topics })
  expect(found.topics[0]?.partitions[0]).toMatchObject({
    offset: 0,
    timestamp: produced?.logAppendTimeMs,
    leaderEpoch: 0,
  })
})

it('statements 44, 48: the leader epoch is 0, and others have their errors', async () => {
  await create({ name: 'epoch' })
  await produce('epoch', [{ value: 'a' }, { value: 'b' }])
  const ask = async (currentLeaderEpoch: number, leaderEpoch: number) => {
    const topics = [{ topic: 'epoch', partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }]
    const answer = (await client.call(OffsetForLeaderEpoch, 4, { topics })).topics[0]?.partitions[0]
    return [nameOf(answer?.errorCode), answer?.leaderEpoch, answer?.endOffset]
  }
  expect(await ask(0, 0)).toEqual(['NONE', 0, 2])
  expect(await ask(0, 3)).toEqual(['NONE', -1, -1])
  expect(await ask(1, 0)).toEqual(['UNKNOWN_LEADER_EPOCH', -1, -1])
})

it('statement 55: single settings are changed, with effect on partitions at once', async () => {
  await create({ name: 'altered' })
  const alter = async (name: string, configOperation: number, value: string | null) => {
    const configs = [{ name, configOperation, value }]
    const resources = [{ resourceType: 2, resourceName: 'altered', configs }]
    return nameOf(
      (await client.call(IncrementalAlterConfigs, 1, { resources, validateOnly: false })).responses[0]?.errorCode,
    )
  }
  expect(await alter('max.message.bytes', 0, '100')).toBe('NONE')
  expect(nameOf((await produce('altered', [{ value: 'x'.repeat(200) }]))?.errorCode)).toBe('MESSAGE_TOO_LARGE')
  expect(await alter('max.message.bytes', 1, null)).toBe('NONE')
  expect((await produce('altered', [{ value: 'x'.repeat(200) }]))?.errorCode).toBe(0)
  const resources = [{ resourceType: 2, resourceName: 'altered', configurationKeys: ['max.message.bytes'] }]
  const described = await client.call(DescribeConfigs, 4, {
    resources,
    includeSynonyms: true,
    includeDocumentation: true,
  })
  expect(described.results[0]?.configs).toMatchObject([
    {
      name: 'max.message.bytes',
      value: '1048588',
      configSource: 5,
      configType: 3,
      synonyms: [{ name: 'message.max.bytes' }],
    },
  ])
})

it('DescribeTopicPartitions goes page by page', async () => {
  await create({ name: 'page-a', numPartitions: 3 }, { name: 'page-b', numPartitions: 2 })
  const seen: string[] = []
  let cursor: { topicName: string; partitionIndex: number } | null = null
  let pages = 0
  do {
    const request = {
      topics: [{ name: 'page-b' }, { name: 'page-a' }, { name: 'page-c' }],
      responsePartitionLimit: 2,
      cursor,
    }
    const answer: Awaited<ReturnType<typeof client.call<typeof DescribeTopicPartitions>>> = await client.call(
      DescribeTopicPartitions,
      0,
      request,
    )
    for (const topic of answer.topics)
      seen.push(...topic.partitions.map(({ partitionIndex }) => `${topic.name}-${partitionIndex}`))
    if (answer.topics.some(({ errorCode }) => errorCode !== 0)) seen.push('unknown')
    cursor = answer.nextCursor
    pages++
  } while (cursor !== null && pages < 10)
  expect(seen).toEqual(['page-a-0', 'page-a-1', 'page-a-2', 'page-b-0', 'page-b-1', 'unknown'])
})
