import { zeroUuid } from '@keyfold/bytes'
import { type AnyApi, apiByKey, apis, type RequestInput } from '@keyfold/protocol'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { WireClient } from '../testing/wire-client.ts'
import { servedApis } from './served.ts'

let broker: RunningBroker

beforeAll(async () => {
  broker = await startBroker({ memory: true, config: { 'group.initial.rebalance.delay.ms': 0 } })
})

afterAll(() => broker.close())

type Requests = Record<string, (version: number) => RequestInput<AnyApi>>

const member = { groupId: 'g', memberId: 'm', generationId: 1 }
const producer = { transactionalId: 'none', producerId: 7, producerEpoch: 0 }
const acl = { resourceType: 2, resourceName: 'x', principal: 'User:x', host: '*', operation: 2, permissionType: 3 }
const aclFilter = {
  resourceTypeFilter: 2,
  resourceNameFilter: null,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}

/** A small request per API: one thing that exists (topic t), one that does not, wherever there is room. */
const requests: Requests = {
  Produce: (v) => ({
    acks: 1,
    timeoutMs: 1,
    topicData: ['t', 'no'].map((name) => ({ ...named(name, v >= 13), partitionData: [{ index: 0, records: null }] })),
  }),
  Fetch: (v) => ({
    maxWaitMs: 0,
    minBytes: 0,
    topics: ['t', 'no'].map((topic) => ({
      ...(v >= 13 ? { topicId: zeroUuid } : { topic }),
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
    })),
  }),
  ListOffsets: () => ({ replicaId: -1, topics: twice({ partitions: [{ partitionIndex: 0, timestamp: -1 }] }) }),
  Metadata: () => ({ topics: twice({}), allowAutoTopicCreation: true }),
  OffsetCommit: (v) => ({
    groupId: 'simple',
    memberId: '',
    topics: ['t', 'no'].map((name) => ({
      ...named(name, v >= 10),
      partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }],
    })),
  }),
  OffsetFetch: (v) =>
    v >= 8
      ? { groups: [{ groupId: 'simple', topics: v >= 10 ? null : twice({ partitionIndexes: [0] }) }] }
      : { groupId: 'simple', topics: twice({ partitionIndexes: [0] }) },
  FindCoordinator: (v) => (v >= 4 ? { coordinatorKeys: ['g'] } : { key: 'g' }),
  JoinGroup: () => ({
    groupId: 'j',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 100,
    memberId: 'stranger',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  }),
  Heartbeat: () => member,
  LeaveGroup: (v) => ({ groupId: 'g', ...(v >= 3 ? { members: [{ memberId: 'm' }] } : { memberId: 'm' }) }),
  SyncGroup: () => ({ ...member, assignments: [] }),
  DescribeGroups: () => ({ groups: ['simple', 'unknown'] }),
  ListGroups: () => ({}),
  SaslHandshake: () => ({ mechanism: 'PLAIN' }),
  ApiVersions: () => ({ clientSoftwareName: 'spec', clientSoftwareVersion: '1' }),
  CreateTopics: (v) => ({
    topics: [1, 0].map((numPartitions) => ({
      name: `created-${v}-${numPartitions}`,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: [{ name: 'retention.ms', value: '1000' }],
    })),
  }),
  DeleteTopics: (v) => ({
    ...(v >= 6 ? { topics: [{ name: 'no', topicId: zeroUuid }] } : { topicNames: ['no'] }),
    timeoutMs: 1,
  }),
  DeleteRecords: () => ({ topics: twice({ partitions: [{ partitionIndex: 0, offset: -1 }] }), timeoutMs: 1 }),
  InitProducerId: (v) => ({ transactionalId: v % 2 === 0 ? null : `id-${v}`, transactionTimeoutMs: 1000 }),
  OffsetForLeaderEpoch: () => ({
    topics: ['t', 'no'].map((topic) => ({ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] })),
  }),
  AddPartitionsToTxn: (v) =>
    v >= 4
      ? { transactions: [{ ...producer, topics: twice({ partitions: [0] }) }] }
      : {
          v3AndBelowTransactionalId: 'none',
          v3AndBelowProducerId: 7,
          v3AndBelowProducerEpoch: 0,
          v3AndBelowTopics: twice({ partitions: [0] }),
        },
  AddOffsetsToTxn: () => ({ ...producer, groupId: 'g' }),
  EndTxn: () => ({ ...producer, committed: true }),
  WriteTxnMarkers: () => ({
    markers: [{ ...producer, transactionResult: false, coordinatorEpoch: 0, topics: twice({ partitionIndexes: [0] }) }],
  }),
  TxnOffsetCommit: () => ({
    ...producer,
    groupId: 'g',
    topics: twice({ partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] }),
  }),
  DescribeAcls: () => aclFilter,
  CreateAcls: () => ({ creations: [acl] }),
  DeleteAcls: () => ({ filters: [aclFilter] }),
  DescribeConfigs: () => ({
    resources: [2, 4, 8].map((resourceType) => ({ resourceType, resourceName: 't', configurationKeys: null })),
    includeSynonyms: true,
  }),
  AlterConfigs: () => ({ resources: [{ resourceType: 2, resourceName: 't', configs: [] }], validateOnly: false }),
  SaslAuthenticate: () => ({ authBytes: Buffer.alloc(0) }),
  CreatePartitions: (v) => ({
    topics: ['t', 'no'].map((name) => ({ name, count: v + 2, assignments: null })),
    timeoutMs: 1,
    validateOnly: true,
  }),
  DeleteGroups: () => ({ groupsNames: ['unknown'] }),
  IncrementalAlterConfigs: () => ({
    resources: [
      { resourceType: 2, resourceName: 't', configs: [{ name: 'retention.ms', configOperation: 1, value: null }] },
    ],
    validateOnly: false,
  }),
  AlterPartitionReassignments: () => ({ topics: twice({ partitions: [{ partitionIndex: 0 }] }) }),
  ListPartitionReassignments: () => ({}),
  OffsetDelete: () => ({ groupId: 'simple', topics: twice({ partitions: [{ partitionIndex: 0 }] }) }),
  DescribeCluster: () => ({ includeClusterAuthorizedOperations: false }),
  DescribeProducers: () => ({ topics: twice({ partitionIndexes: [0] }) }),
  DescribeTransactions: () => ({ transactionalIds: ['none'] }),
  ListTransactions: (v) => ({
    stateFilters: ['Ongoing', 'Strange'],
    producerIdFilters: [],
    ...(v >= 2 ? { transactionalIdPattern: 'x.*' } : {}),
  }),
  ConsumerGroupHeartbeat: () => ({ groupId: 'g', memberId: 'm', memberEpoch: 1 }),
  ConsumerGroupDescribe: () => ({ groupIds: ['simple', 'unknown'] }),
  AlterReplicaLogDirs: () => ({ dirs: [{ path: '/x', topics: twice({ partitions: [0] }) }] }),
  DescribeLogDirs: () => ({ topics: ['t', 'no'].map((topic) => ({ topic, partitions: [0] })) }),
  ElectLeaders: () => ({ topicPartitions: ['t', 'no'].map((topic) => ({ topic, partitions: [0] })) }),
  DescribeClientQuotas: () => ({ components: [{ entityType: 'user', matchType: 2, match: null }], strict: false }),
  AlterClientQuotas: () => ({
    entries: [
      {
        entity: [{ entityType: 'user', entityName: 'u' }],
        ops: [{ key: 'request_percentage', value: 1, remove: false }],
      },
    ],
    validateOnly: false,
  }),
  DescribeUserScramCredentials: () => ({ users: null }),
  AlterUserScramCredentials: () => ({ deletions: [{ name: 'u', mechanism: 1 }], upsertions: [] }),
  DescribeQuorum: () => ({ topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }),
  UpdateFeatures: () => ({ featureUpdates: [{ feature: 'group.version', maxVersionLevel: 1 }] }),
  ListConfigResources: (v) => ({ resourceTypes: v === 0 ? [] : [2] }),
  DescribeTopicPartitions: () => ({ topics: twice({}) }),
}

function named(name: string, byId: boolean): { name: string } | { topicId: string } {
  return byId ? { topicId: zeroUuid } : { name }
}

function twice<T extends object>(rest: T): (T & { name: string })[] {
  return ['t', 'no'].map((name) => ({ name, ...rest }))
}

const cases = servedApis.flatMap(({ api, versions: [min, max] }) =>
  Array.from({ length: max - min + 1 }, (_, index): [string, number, AnyApi] => [api.name, min + index, api]),
)

it.each(cases)('%s version %i has an answer that its table can read', async (name, version, api) => {
  const request = requests[name]?.(version)
  expect(request, `a request for ${name}`).toBeDefined()
  if (request === undefined) return
  const client = new WireClient(broker)
  expect(await client.call(api, version, request)).toBeTypeOf('object')
  client.close()
})

it('covers every table of the protocol', () => {
  const served = new Set(servedApis.map(({ api }) => api.key))
  expect(apis.filter(({ key }) => !served.has(key) && apiByKey(key) !== undefined)).toEqual([])
})
