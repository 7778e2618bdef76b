import {
  AlterPartitionReassignments,
  type AnyApi,
  buildRecordBatch,
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DescribeCluster,
  DescribeConfigs,
  DescribeGroups,
  EndTxn,
  Fetch,
  FindCoordinator,
  Heartbeat,
  InitProducerId,
  JoinGroup,
  KafkaError,
  kafkaErrorByCode,
  ListGroups,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  OffsetForLeaderEpoch,
  Produce,
  type RequestInput,
  type ResponseOf,
} from '@keyfold/protocol'
import { zeroUuid } from '@keyfold/bytes'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { BrokerError } from '../errors.ts'
import type { RunningBroker } from '../running-broker.ts'
import { WireClient } from '../testing/wire-client.ts'
import { startBroker } from './start-broker.ts'

const config = { 'keyfold.virtual.brokers': 3, 'node.id': 0, 'group.initial.rebalance.delay.ms': 0 }
let broker: RunningBroker
let clients: WireClient[]

beforeAll(async () => {
  broker = await startBroker({ memory: true, config })
  clients = broker.nodes.map((node) => new WireClient(node))
})

afterAll(async () => {
  for (const client of clients) client.close()
  await broker.close()
})

function node(nodeId: number): WireClient {
  const client = clients[nodeId]
  if (client === undefined) throw new Error(`there is no node ${nodeId}`)
  return client
}

/** The same request to each of the three nodes. */
async function ofAll<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>[]> {
  const answers: ResponseOf<A>[] = []
  for (const client of clients) answers.push(await client.call(api, version, request))
  return answers
}

interface NewTopic {
  numPartitions?: number
  replicationFactor?: number
  assignments?: { partitionIndex: number; brokerIds: number[] }[]
}

async function create(name: string, topic: NewTopic): Promise<string> {
  const complete = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [], name, ...topic }
  const { topics } = await node(2).call(CreateTopics, 7, { topics: [complete] })
  return nameOf(topics[0]?.errorCode)
}

/** Topics as fetches before version 13 name them. */
function named<T extends { topic: string; topicId: string }>(topics: readonly T[]) {
  return topics.map((topic) => ({ ...topic, topicId: zeroUuid }))
}

function nameOf(code: number | undefined): string {
  return code === undefined ? 'nothing' : kafkaErrorByCode(code).name
}

async function partitionsOf(name: string) {
  const { topics } = await node(0).call(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
  return (topics[0]?.partitions ?? []).toSorted((a, b) => a.partitionIndex - b.partitionIndex)
}

async function coordinatorOf(key: string, keyType = 0): Promise<number> {
  const { coordinators } = await node(0).call(FindCoordinator, 4, { keyType, coordinatorKeys: [key] })
  return coordinators[0]?.nodeId ?? -1
}

describe('three nodes in one process', () => {
  it('tell the same about the cluster', async () => {
    expect(broker.nodes.map(({ nodeId }) => nodeId)).toEqual([0, 1, 2])
    expect(new Set(broker.nodes.map(({ port }) => port)).size).toBe(3)
    expect(broker).toMatchObject({ nodeId: 0, port: broker.nodes[0]?.port })
    const clusters = await ofAll(DescribeCluster, 1, { includeClusterAuthorizedOperations: false })
    for (const cluster of clusters) {
      expect(cluster).toMatchObject({ clusterId: broker.clusterId, controllerId: 0 })
      expect(cluster.brokers.map(({ brokerId, port }) => [brokerId, port])).toEqual(
        broker.nodes.map(({ nodeId, port }) => [nodeId, port]),
      )
    }
    const [first, ...others] = await ofAll(Metadata, 12, { topics: [] })
    expect(first?.brokers.map(({ nodeId }) => nodeId)).toEqual([0, 1, 2])
    for (const other of others) expect(other).toEqual(first)
  })

  it('have a coordinator for each key, about which they agree', async () => {
    const keys = Array.from({ length: 20 }, (_, n) => `key-${n}`)
    const [first, ...others] = await ofAll(FindCoordinator, 4, { keyType: 0, coordinatorKeys: keys })
    expect(new Set(first?.coordinators.map(({ nodeId }) => nodeId)).size).toBe(3)
    for (const other of others) expect(other).toEqual(first)
    const [single] = await ofAll(FindCoordinator, 2, { keyType: 0, key: 'key-7' })
    expect(single).toMatchObject({ nodeId: first?.coordinators[7]?.nodeId, errorCode: 0 })
  })

  it('each describe their own settings only', async () => {
    const [own, ...others] = await ofAll(DescribeConfigs, 4, {
      resources: [{ resourceType: 4, resourceName: '0', configurationKeys: null }],
    })
    expect(nameOf(own?.results[0]?.errorCode)).toBe('NONE')
    for (const other of others) expect(nameOf(other.results[0]?.errorCode)).toBe('INVALID_REQUEST')
  })
})

describe('statement 53: replicas', () => {
  it('are as many as asked for, up to the number of nodes, with leaders on all of them', async () => {
    expect(await create('three', { numPartitions: 6, replicationFactor: 3 })).toBe('NONE')
    const partitions = await partitionsOf('three')
    expect(partitions.map(({ leaderId }) => leaderId).toSorted()).toEqual([0, 0, 1, 1, 2, 2])
    for (const { leaderId, replicaNodes, isrNodes } of partitions) {
      expect(replicaNodes.toSorted()).toEqual([0, 1, 2])
      expect(isrNodes).toEqual(replicaNodes)
      expect(leaderId).toBe(replicaNodes[0])
    }
    expect(await create('four', { numPartitions: 1, replicationFactor: 4 })).toBe('INVALID_REPLICATION_FACTOR')
  })

  it('can be chosen when a topic or partitions are created', async () => {
    const assignments = [
      { partitionIndex: 0, brokerIds: [1, 0] },
      { partitionIndex: 1, brokerIds: [2, 1] },
    ]
    expect(await create('chosen', { assignments })).toBe('NONE')
    const more = { name: 'chosen', count: 3, assignments: [{ brokerIds: [0, 2] }] }
    const { results } = await node(1).call(CreatePartitions, 3, {
      topics: [more],
      timeoutMs: 1000,
      validateOnly: false,
    })
    expect(nameOf(results[0]?.errorCode)).toBe('NONE')
    const partitions = await partitionsOf('chosen')
    expect(partitions.map(({ replicaNodes }) => replicaNodes)).toEqual([
      [1, 0],
      [2, 1],
      [0, 2],
    ])
  })

  it.each([
    ['an unknown node', [[7]]],
    ['a node twice', [[1, 1]]],
    ['no node', [[]]],
    ['different numbers of replicas', [[0], [1, 2]]],
  ])('cannot be chosen as %s', async (_, lists) => {
    const assignments = lists.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
    expect(await create('wrong', { assignments })).toBe('INVALID_REPLICA_ASSIGNMENT')
  })

  it('statement 53: can be moved, and the new leader serves at once', async () => {
    await create('moved', { assignments: [{ partitionIndex: 0, brokerIds: [1, 0] }] })
    const move = async (replicas: number[] | null) => {
      const topics = [{ name: 'moved', partitions: [{ partitionIndex: 0, replicas }] }]
      const { responses } = await node(0).call(AlterPartitionReassignments, 0, { timeoutMs: 1000, topics })
      return nameOf(responses[0]?.partitions[0]?.errorCode)
    }
    expect(await move([2, 1])).toBe('NONE')
    expect((await partitionsOf('moved'))[0]).toMatchObject({ leaderId: 2, replicaNodes: [2, 1] })
    expect(await move([5, 1])).toBe('INVALID_REPLICA_ASSIGNMENT')
    expect(await move(null)).toBe('NO_REASSIGNMENT_IN_PROGRESS')
  })
})

describe('a request that reaches the wrong node', () => {
  const batch = () => buildRecordBatch({ records: [{ key: null, value: Buffer.from('hello') }] })

  it('is refused for a partition that another node leads, and the data is the same everywhere', async () => {
    await create('led', { assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }] })
    const records = { acks: -1, timeoutMs: 1000, topicData: [{ name: 'led', partitionData: [{ index: 0 }] }] }
    const produced: string[] = []
    for (const client of clients) {
      const topicData = [{ name: 'led', partitionData: [{ index: 0, records: batch() }] }]
      const { responses } = await client.call(Produce, 9, { ...records, topicData })
      produced.push(nameOf(responses[0]?.partitionResponses[0]?.errorCode))
    }
    expect(produced).toEqual(['NOT_LEADER_OR_FOLLOWER', 'NONE', 'NOT_LEADER_OR_FOLLOWER'])

    const listed = await ofAll(ListOffsets, 5, {
      replicaId: -1,
      topics: [{ name: 'led', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    })
    expect(listed.map(({ topics }) => nameOf(topics[0]?.partitions[0]?.errorCode))).toEqual(produced)
    expect(listed[1]?.topics[0]?.partitions[0]?.offset).toBe(1)
    const epochs = await ofAll(OffsetForLeaderEpoch, 4, {
      topics: [{ topic: 'led', partitions: [{ partition: 0, currentLeaderEpoch: 0, leaderEpoch: 0 }] }],
    })
    expect(epochs.map(({ topics }) => nameOf(topics[0]?.partitions[0]?.errorCode))).toEqual(produced)
    const deleted = await ofAll(DeleteRecords, 2, {
      topics: [{ name: 'led', partitions: [{ partitionIndex: 0, offset: 0 }] }],
      timeoutMs: 1000,
    })
    expect(deleted.map(({ topics }) => nameOf(topics[0]?.partitions[0]?.errorCode))).toEqual(produced)
  })

  it('is told who leads, and where that node is (KIP-951)', async () => {
    await create('hinted', { assignments: [{ partitionIndex: 0, brokerIds: [1] }] })
    const leader = { leaderId: 1, leaderEpoch: 0 }
    const endpoint = [{ nodeId: 1, host: broker.nodes[1]?.host, port: broker.nodes[1]?.port, rack: null }]
    const produceTo = (version: number) => {
      const topicData = [{ name: 'hinted', partitionData: [{ index: 0, records: batch() }] }]
      return node(2).call(Produce, version, { acks: -1, timeoutMs: 1000, topicData })
    }
    const told = await produceTo(10)
    expect(told.responses[0]?.partitionResponses[0]?.currentLeader).toEqual(leader)
    expect(told.nodeEndpoints).toEqual(endpoint)
    const untold = await produceTo(9)
    expect(nameOf(untold.responses[0]?.partitionResponses[0]?.errorCode)).toBe('NOT_LEADER_OR_FOLLOWER')
    const { topics } = await node(0).call(Metadata, 12, { topics: [{ name: 'hinted' }] })
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
    const wanted = [{ topic: 'hinted', topicId: topics[0]?.topicId ?? '', partitions }]
    const fetchFrom = (nodeId: number, version: number) =>
      node(nodeId).call(Fetch, version, { maxWaitMs: 0, minBytes: 0, topics: version >= 13 ? wanted : named(wanted) })
    const fetched = await fetchFrom(2, 16)
    expect(fetched.responses[0]?.partitions[0]?.currentLeader).toEqual(leader)
    expect(fetched.nodeEndpoints).toEqual(endpoint)
    expect((await fetchFrom(2, 12)).responses[0]?.partitions[0]?.currentLeader?.leaderId).toBe(-1)
    expect((await fetchFrom(1, 16)).nodeEndpoints).toEqual([])
  })

  it('may read from any replica with the fetch versions that know of it (KIP-392), else only from the leader', async () => {
    await create('read', { assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }] })
    const topics = [{ topic: 'read', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
    const request = { maxWaitMs: 0, minBytes: 0, maxBytes: 1000, topics }
    const errorsOf = async (version: number) => {
      const answers = await ofAll(Fetch, version, request)
      return answers.map(({ responses }) => nameOf(responses[0]?.partitions[0]?.errorCode))
    }
    expect(await errorsOf(10)).toEqual(['NOT_LEADER_OR_FOLLOWER', 'NONE', 'NOT_LEADER_OR_FOLLOWER'])
    expect(await errorsOf(11)).toEqual(['NOT_LEADER_OR_FOLLOWER', 'NONE', 'NONE'])
  })

  it('is refused for a group that another node coordinates', async () => {
    const groupId = 'a group'
    const coordinator = await coordinatorOf(groupId)
    const wrong = node((coordinator + 1) % 3)
    const codes: number[] = []
    const member = { groupId, generationId: 0, memberId: 'm' }
    codes.push((await wrong.call(Heartbeat, 4, member)).errorCode)
    const joining = {
      groupId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
    }
    const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
    codes.push((await wrong.call(JoinGroup, 5, { ...joining, protocols })).errorCode)
    const topics = [{ name: 'three', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] }]
    const commit = { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics }
    codes.push((await wrong.call(OffsetCommit, 8, commit)).topics[0]?.partitions[0]?.errorCode ?? -1)
    codes.push((await wrong.call(OffsetFetch, 7, { groupId, topics: null })).errorCode)
    const fetched = await wrong.call(OffsetFetch, 8, { groups: [{ groupId, topics: null }] })
    codes.push(fetched.groups[0]?.errorCode ?? -1)
    codes.push((await wrong.call(DescribeGroups, 5, { groups: [groupId] })).groups[0]?.errorCode ?? -1)
    expect(codes.map(nameOf)).toEqual(codes.map(() => 'NOT_COORDINATOR'))
    const named = await wrong.call(JoinGroup, 5, { ...joining, groupId: '', protocols })
    expect(nameOf(named.errorCode)).toBe('INVALID_GROUP_ID')

    const right = await node(coordinator).call(OffsetCommit, 8, commit)
    expect(nameOf(right.topics[0]?.partitions[0]?.errorCode)).toBe('NONE')
    const listed = await ofAll(ListGroups, 4, {})
    expect(listed.flatMap(({ groups }, nodeId) => groups.map((group) => [nodeId, group.groupId]))).toEqual([
      [coordinator, groupId],
    ])
  })

  it('is refused for a transactional id that another node coordinates', async () => {
    const transactionalId = 'a transaction'
    const coordinator = await coordinatorOf(transactionalId, 1)
    const request = { transactionalId, transactionTimeoutMs: 1000 }
    const answers = await ofAll(InitProducerId, 4, request)
    const expected = [0, 1, 2].map((nodeId) => (nodeId === coordinator ? 'NONE' : 'NOT_COORDINATOR'))
    expect(answers.map(({ errorCode }) => nameOf(errorCode))).toEqual(expected)
    const { producerId, producerEpoch } = answers[coordinator] ?? { producerId: -1, producerEpoch: -1 }
    const end = { transactionalId, producerId, producerEpoch, committed: true }
    const ended = await node((coordinator + 1) % 3).call(EndTxn, 3, end)
    expect(nameOf(ended.errorCode)).toBe('NOT_COORDINATOR')
    const anybody = await ofAll(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 })
    expect(anybody.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0])
  })
})

describe('starting', () => {
  let directory: string | undefined

  afterEach(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
  })

  it('with one node refuses a replication factor above one', async () => {
    const single = await startBroker({ memory: true })
    const client = new WireClient(single)
    const topic = { name: 't', numPartitions: 1, replicationFactor: 2, assignments: [], configs: [] }
    const { topics } = await client.call(CreateTopics, 7, { topics: [topic] })
    expect(topics[0]?.errorCode).toBe(KafkaError.INVALID_REPLICATION_FACTOR.code)
    client.close()
    await single.close()
    const failed = startBroker({ memory: true, config: { 'default.replication.factor': 2 } })
    await expect(failed).rejects.toMatchObject({ code: 'CONFIG_INVALID' } satisfies Partial<BrokerError>)
  })

  it('again has the replicas that it had, also with fewer nodes', async () => {
    directory = mkdtempSync(join(tmpdir(), 'keyfold-virtual-'))
    const settings = { ...config, 'default.replication.factor': 2 }
    const before = await startBroker({ dataDirectory: directory, config: settings })
    const client = new WireClient(before)
    const assigned = { name: 'b', numPartitions: -1, replicationFactor: -1, configs: [] }
    const assignments = [{ partitionIndex: 0, brokerIds: [2, 1] }]
    const defaults = { ...assigned, name: 'a', numPartitions: 1, assignments: [] }
    await client.call(CreateTopics, 7, { topics: [defaults, { ...assigned, assignments }] })
    const replicasAt = async (running: RunningBroker) => {
      const wire = new WireClient(running)
      const { topics } = await wire.call(Metadata, 12, { topics: null })
      wire.close()
      return Object.fromEntries(topics.map(({ name, partitions }) => [name, partitions[0]?.replicaNodes]))
    }
    const first = await replicasAt(before)
    expect(first).toMatchObject({ b: [2, 1] })
    expect(first['a']).toHaveLength(2)
    client.close()
    await before.close()
    const again = await startBroker({ dataDirectory: directory, config: settings })
    expect(await replicasAt(again)).toEqual(first)
    await again.close()
    const single = await startBroker({ dataDirectory: directory, config: { 'node.id': 0 } })
    expect(await replicasAt(single)).toEqual({ a: [0], b: [0] })
    await single.close()
  })

  it('takes consecutive ports, or none if one of them is taken', async () => {
    const started = await startSomewhere({ advertisedHost: 'kafka.local', advertisedPort: 30_000 })
    expect(started.nodes.map((each) => `${each.host}:${each.port}`)).toEqual([
      'kafka.local:30000',
      'kafka.local:30001',
      'kafka.local:30002',
    ])
    const { cluster, ...last } = { cluster: started.clusterId, host: started.host, port: started.port + 2 }
    const client = new WireClient(last)
    expect((await client.call(Metadata, 12, { topics: [] })).clusterId).toBe(cluster)
    client.close()
    const overlapping = startBroker({ memory: true, config, port: started.port - 1 })
    await expect(overlapping).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    await started.close()
  })
})

/** Starts at a port that is free with the two after it. */
async function startSomewhere(options: { advertisedHost: string; advertisedPort: number }): Promise<RunningBroker> {
  for (let attempt = 1; ; attempt++) {
    // Below the range from which the system takes ports for others.
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    try {
      return await startBroker({ memory: true, config, port, ...options })
    } catch (error) {
      if (attempt === 20) throw error
    }
  }
}
