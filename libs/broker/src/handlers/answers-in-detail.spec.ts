import {
  AddPartitionsToTxn,
  buildRecordBatch,
  CreatePartitions,
  CreateTopics,
  DeleteGroups,
  DeleteTopics,
  DescribeClientQuotas,
  DescribeCluster,
  DescribeConfigs,
  DescribeGroups,
  DescribeProducers,
  DescribeTopicPartitions,
  DescribeTransactions,
  ElectLeaders,
  Fetch,
  Heartbeat,
  IncrementalAlterConfigs,
  InitProducerId,
  LeaveGroup,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetForLeaderEpoch,
  Produce,
  SyncGroup,
} from '@keyfold/protocol'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { WireClient } from '../testing/wire-client.ts'

/** Fields of answers that clients seldom look at, as an Apache Kafka fills them (seen by the differential test). */

let broker: RunningBroker
let client: WireClient

beforeAll(async () => {
  broker = await startBroker({ memory: true, config: { 'auto.create.topics.enable': false } })
  client = new WireClient({ host: '127.0.0.1', port: Number(broker.address.split(':')[1]) })
  await createTopic('t')
})

afterAll(async () => {
  client.close()
  await broker.close()
})

function createTopic(name: string, validateOnly = false, numPartitions = 1) {
  const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }]
  return client.call(CreateTopics, 7, { topics, validateOnly })
}

it('statement 52: tells what a client may do if it asks, with topics by DescribeTopicPartitions always', async () => {
  const asking = { includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true }
  const metadata = await client.call(Metadata, 8, { topics: [{ name: 't' }], ...asking })
  expect([metadata.topics[0]?.topicAuthorizedOperations, metadata.clusterAuthorizedOperations]).toEqual([3576, 8096])
  const silent = await client.call(Metadata, 8, { topics: [{ name: 't' }] })
  expect([silent.topics[0]?.topicAuthorizedOperations, silent.clusterAuthorizedOperations]).toEqual([
    -2_147_483_648, -2_147_483_648,
  ])
  const request = { topics: [{ name: 't' }], responsePartitionLimit: 10, cursor: null }
  const described = await client.call(DescribeTopicPartitions, 0, request)
  expect(described.topics[0]?.topicAuthorizedOperations).toBe(3576)
  const cluster = await client.call(DescribeCluster, 1, { includeClusterAuthorizedOperations: true, endpointType: 1 })
  expect(cluster.clusterAuthorizedOperations).toBe(8096)
  const groups = await client.call(DescribeGroups, 5, { groups: ['none'], includeAuthorizedOperations: true })
  expect(groups.groups[0]?.authorizedOperations).toBe(3400)
})

it('statement 51: asking by id before version 12 is refused as a whole', async () => {
  const topics = [{ name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAABA' }]
  const { brokers, topics: answered } = await client.call(Metadata, 11, { topics })
  expect([brokers, answered[0]?.errorCode]).toEqual([[], 42])
})

it('statement 53: a topic that is only tried has an id, one that is refused has no settings', async () => {
  const tried = (await createTopic('tried', true)).topics[0]
  expect(tried?.topicId).not.toBe('AAAAAAAAAAAAAAAAAAAAAA')
  expect((await createTopic('refused', true, 0)).topics[0]).toMatchObject({ errorCode: 37, configs: [] })
})

it('statement 55: a change that no topic could have is refused as such, also of a topic that is not there', async () => {
  const alter = async (name: string) => {
    const configs = [{ name, configOperation: 0, value: '1' }]
    const resources = [{ resourceType: 2, resourceName: 'none', configs }]
    return (await client.call(IncrementalAlterConfigs, 1, { resources, validateOnly: true })).responses[0]?.errorCode
  }
  expect([await alter('no.such.config'), await alter('retention.ms')]).toEqual([40, 3])
})

it('statement 65: a partition that is not there is what a commit hears of first, and makes no group', async () => {
  const partitions = [{ partitionIndex: 9, committedOffset: 1, committedMetadata: null }]
  const request = { groupId: 'g', generationIdOrMemberEpoch: 5, memberId: 'm', topics: [{ name: 't', partitions }] }
  expect((await client.call(OffsetCommit, 7, request)).topics[0]?.partitions[0]?.errorCode).toBe(3)
  const { groups } = await client.call(DescribeGroups, 6, { groups: ['g'] })
  expect(groups[0]?.errorCode).toBe(69)
})

it('statement 13: a repeated batch is answered with its offset and its timestamp, a refused one with the log start', async () => {
  const { producerId } = await client.call(InitProducerId, 3, { transactionalId: null, transactionTimeoutMs: 1000 })
  const produce = async (baseSequence: number) => {
    const records = buildRecordBatch({
      records: [{ key: null, value: Buffer.from('x') }],
      timestamp: 1_700_000_000_000,
      producerId,
      producerEpoch: 0,
      baseSequence,
    })
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
    return (await client.call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })).responses[0]?.partitionResponses[0]
  }
  expect(await produce(0)).toMatchObject({ errorCode: 0, baseOffset: 0, logAppendTimeMs: -1 })
  expect(await produce(0)).toMatchObject({ errorCode: 0, baseOffset: 0, logAppendTimeMs: 1_700_000_000_000 })
  expect(await produce(7)).toMatchObject({ errorCode: 45, baseOffset: -1, logStartOffset: 0 })
})

it('statement 36: partitions of a deleted topic are no longer described in a transaction, unlike Kafka', async () => {
  await createTopic('doomed')
  const init = { transactionalId: 'tx', transactionTimeoutMs: 60_000 }
  const { producerId, producerEpoch } = await client.call(InitProducerId, 3, init)
  await client.call(AddPartitionsToTxn, 3, {
    v3AndBelowTransactionalId: 'tx',
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [
      { name: 'doomed', partitions: [0] },
      { name: 't', partitions: [0] },
    ],
  })
  await client.call(DeleteTopics, 5, { topicNames: ['doomed'], timeoutMs: 1000 })
  const { transactionStates } = await client.call(DescribeTransactions, 0, { transactionalIds: ['tx'] })
  expect(transactionStates[0]?.topics).toEqual([{ topic: 't', partitions: [0] }])
})

it('statement 31: an isolation level that is not defined is refused', async () => {
  const asked = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  const { topics } = await client.call(ListOffsets, 5, { replicaId: -1, isolationLevel: 2, topics: asked })
  expect(topics[0]?.partitions[0]).toMatchObject({ errorCode: 42, offset: -1, leaderEpoch: -1 })
  const wanted = [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }] }]
  const fetched = await client.call(Fetch, 11, { maxWaitMs: 0, minBytes: 0, isolationLevel: 7, topics: wanted })
  expect([fetched.errorCode, fetched.responses[0]?.partitions[0]?.errorCode]).toEqual([42, 42])
})

it('statement 40: less than no bytes are refused where there are some to read', async () => {
  const records = buildRecordBatch({ records: [{ key: null, value: Buffer.from('v') }] })
  await createTopic('with-records')
  const topicData = [{ name: 'with-records', partitionData: [{ index: 0, records }] }]
  await client.call(Produce, 9, { acks: -1, timeoutMs: 1_000, topicData })
  const errorAt = async (fetchOffset: number, limits: { maxBytes: number; partitionMaxBytes: number }) => {
    const { maxBytes, partitionMaxBytes } = limits
    const topics = [{ topic: 'with-records', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes }] }]
    const { responses } = await client.call(Fetch, 11, { maxWaitMs: 0, minBytes: 0, maxBytes, topics })
    return responses[0]?.partitions[0]?.errorCode
  }
  expect(await errorAt(0, { maxBytes: -1, partitionMaxBytes: 100 })).toBe(42)
  expect(await errorAt(0, { maxBytes: 100, partitionMaxBytes: -9 })).toBe(42)
  expect(await errorAt(1, { maxBytes: -1, partitionMaxBytes: 100 })).toBe(0)
  expect(await errorAt(9, { maxBytes: -1, partitionMaxBytes: 100 })).toBe(1)
})

it('statement 48: an epoch before the first one ends where the log starts', async () => {
  const endOf = async (leaderEpoch: number) => {
    const topics = [{ topic: 't', partitions: [{ partition: 0, leaderEpoch }] }]
    const { topics: answered } = await client.call(OffsetForLeaderEpoch, 4, { replicaId: -1, topics })
    const { leaderEpoch: found, endOffset } = answered[0]?.partitions[0] ?? {}
    return [found, endOffset]
  }
  expect([await endOf(-2), await endOf(-1), await endOf(1)]).toEqual([
    [-2, 0],
    [-1, -1],
    [-1, -1],
  ])
})

it('statement 55: settings of a topic that cannot be are refused for its name', async () => {
  const errorOf = async (resourceName: string) => {
    const resources = [{ resourceType: 2, resourceName, configurationKeys: null }]
    return (await client.call(DescribeConfigs, 4, { resources })).results[0]?.errorCode
  }
  expect([await errorOf('a b'), await errorOf('none')]).toEqual([17, 3])
})

it('statement 68: a group that is named twice is deleted once', async () => {
  const { results } = await client.call(DeleteGroups, 2, { groupsNames: ['none', 'other', 'none'] })
  expect(results.map(({ groupId }) => groupId)).toEqual(['none', 'other'])
})

it('statement 53: an election of a kind that is not defined is refused for each partition', async () => {
  const request = { electionType: 2, topicPartitions: [{ topic: 't', partitions: [0] }], timeoutMs: 1_000 }
  const { errorCode, replicaElectionResults } = await client.call(ElectLeaders, 2, request)
  expect([errorCode, replicaElectionResults[0]?.partitionResult[0]?.errorCode]).toEqual([42, 42])
})

it('statement 47: a timestamp that asks for nothing in a version is not supported by it', async () => {
  const errorOf = async (timestamp: number, version: number) => {
    const asked = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }]
    const { topics } = await client.call(ListOffsets, version, { replicaId: -1, isolationLevel: 0, topics: asked })
    return topics[0]?.partitions[0]?.errorCode
  }
  expect([await errorOf(-3, 6), await errorOf(-3, 7), await errorOf(-100, 11)]).toEqual([35, 0, 35])
})

it('statement 54: a topic is deleted by its name or by its id, not by both', async () => {
  const topicId = 'AAAAAAAAAAAAAAAAAAAABA'
  const neither = { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }
  const topics = [{ name: 't', topicId }, neither, { name: null, topicId }]
  const { responses } = await client.call(DeleteTopics, 6, { topics, timeoutMs: 1_000 })
  expect(responses.map(({ errorCode }) => errorCode)).toEqual([42, 42, 100])
})

it('statement 62: the empty group may have offsets, and never a member', async () => {
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }]
  const { topics } = await client.call(OffsetCommit, 8, {
    groupId: '',
    memberId: '',
    topics: [{ name: 't', partitions }],
  })
  expect(topics[0]?.partitions[0]?.errorCode).toBe(0)
  const stranger = { groupId: '', generationId: 0, memberId: 'm' }
  expect((await client.call(Heartbeat, 4, stranger)).errorCode).toBe(24)
  expect((await client.call(SyncGroup, 4, { ...stranger, assignments: [] })).errorCode).toBe(24)
})

it('statement 64: no member leaves the empty group, one by one or together', async () => {
  const invalid = { errorCode: 24, members: [] }
  expect(await client.call(LeaveGroup, 4, { groupId: '', members: [{ memberId: 'm' }] })).toMatchObject(invalid)
  expect(await client.call(LeaveGroup, 2, { groupId: '', memberId: 'm' })).toMatchObject({ errorCode: 24 })
})

it('statement 47: a partition that is asked for twice is answered once, and refused', async () => {
  const asked = { name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }
  const request = { replicaId: -1, isolationLevel: 0, topics: [asked, asked] }
  const { topics } = await client.call(ListOffsets, 5, request)
  expect(topics).toMatchObject([{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 42 }] }])
})

it('statement 54: a topic that is to grow twice does not grow', async () => {
  const topic = { name: 't', count: 9, assignments: null }
  const { results } = await client.call(CreatePartitions, 3, {
    topics: [topic, topic],
    timeoutMs: 1_000,
    validateOnly: false,
  })
  expect(results).toMatchObject([{ name: 't', errorCode: 42 }])
  const { topics } = await client.call(Metadata, 8, { topics: [{ name: 't' }] })
  expect(topics[0]?.partitions).toHaveLength(1)
})

it('statement 95: quotas of an entity without a type are no question', async () => {
  const components = [{ entityType: '', matchType: 2, match: null }]
  expect((await client.call(DescribeClientQuotas, 1, { components, strict: false })).errorCode).toBe(42)
})

it('statement 36: producers of a topic that cannot be are refused for its name', async () => {
  const topics = ['a b', 'none'].map((name) => ({ name, partitionIndexes: [0] }))
  const { topics: answered } = await client.call(DescribeProducers, 0, { topics })
  expect(answered.map(({ partitions }) => partitions[0]?.errorCode)).toEqual([17, 3])
})
