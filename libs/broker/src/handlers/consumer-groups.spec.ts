import { zeroUuid } from '@keyfold/bytes'
import {
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  CreateTopics,
  DeleteGroups,
  DescribeConfigs,
  DescribeGroups,
  IncrementalAlterConfigs,
  InitProducerId,
  JoinGroup,
  KafkaError,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  type RequestInput,
  TxnOffsetCommit,
} from '@keyfold/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { subscription } from '../testing/group-rehearsal.ts'
import { WireClient } from '../testing/wire-client.ts'

let broker: RunningBroker
let client: WireClient
let topicId: string

beforeAll(async () => {
  broker = await startBroker({ memory: true, config: { 'group.initial.rebalance.delay.ms': 0 } })
  client = new WireClient(broker)
  const topic = { name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  topicId = (await client.call(CreateTopics, 7, { topics: [topic] })).topics[0]?.topicId ?? zeroUuid
})

afterAll(async () => {
  client.close()
  await broker.close()
})

function nameOf(code: number | undefined): string {
  return Object.values(KafkaError).find((error) => error.code === code)?.name ?? `${code}`
}

function heartbeat(groupId: string, rest: Partial<RequestInput<typeof ConsumerGroupHeartbeat>> = {}) {
  return client.call(ConsumerGroupHeartbeat, 1, { groupId, memberId: 'm', memberEpoch: 2, ...rest })
}

function join(groupId: string, rest: Partial<RequestInput<typeof ConsumerGroupHeartbeat>> = {}) {
  const first = { memberEpoch: 0, rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['t'], topicPartitions: [] }
  return heartbeat(groupId, { ...first, ...rest })
}

const offsetOf = (partitionIndex: number) => [{ partitionIndex, committedOffset: 7, committedMetadata: null }]

async function commit(version: number, groupId: string, [memberId, epoch]: readonly [string, number], partition = 0) {
  const partitions = offsetOf(partition)
  const topics = [version >= 10 ? { topicId, partitions } : { name: 't', partitions }]
  const request = { groupId, memberId, generationIdOrMemberEpoch: epoch, topics }
  return nameOf((await client.call(OffsetCommit, version, request)).topics[0]?.partitions[0]?.errorCode)
}

/** The same in a transaction of its own. */
async function stage(groupId: string, [memberId, generationId]: readonly [string, number], partition: number) {
  const transactionalId = `${groupId}-${partition}`
  const owner = { transactionalId, transactionTimeoutMs: 60_000 }
  const { producerId, producerEpoch } = await client.call(InitProducerId, 5, owner)
  const producer = { transactionalId, producerId, producerEpoch }
  const topics = [{ name: 't', partitions: offsetOf(partition) }]
  const answer = await client.call(TxnOffsetCommit, 5, { ...producer, groupId, memberId, generationId, topics })
  return nameOf(answer.topics[0]?.partitions[0]?.errorCode)
}

async function fetchOffset(version: number, groupId: string, member: { memberId?: string; memberEpoch?: number } = {}) {
  const topics = [version >= 10 ? { topicId, partitionIndexes: [0] } : { name: 't', partitionIndexes: [0] }]
  const { groups } = await client.call(OffsetFetch, version, { groups: [{ groupId, topics, ...member }] })
  return groups[0]?.errorCode === 0 ? groups[0].topics[0]?.partitions[0]?.committedOffset : nameOf(groups[0]?.errorCode)
}

function joinClassic(groupId: string, version = 3) {
  return client.call(JoinGroup, version, {
    groupId,
    memberId: '',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription }],
  })
}

describe('a group of the consumer protocol on the wire', () => {
  it('statement 71: joins, is described with what it has, and leaves', async () => {
    const joined = await join('wire', { rackId: 'r' })
    expect(joined).toMatchObject({ errorCode: 0, memberId: 'm', memberEpoch: 2, heartbeatIntervalMs: 5000 })
    expect(joined.assignment).toEqual({ topicPartitions: [{ topicId, partitions: [0, 1] }] })
    expect(await heartbeat('wire')).toMatchObject({ errorCode: 0, memberEpoch: 2, assignment: null })
    const { groups } = await client.call(ConsumerGroupDescribe, 1, {
      groupIds: ['wire', 'none', ''],
      includeAuthorizedOperations: false,
    })
    const assignment = { topicPartitions: [{ topicId, topicName: 't', partitions: [0, 1] }] }
    const described = { rackId: 'r', clientId: 'wire', clientHost: '/127.0.0.1', subscribedTopicNames: ['t'] }
    expect(groups[0]).toMatchObject({
      groupState: 'Stable',
      groupEpoch: 2,
      assignmentEpoch: 2,
      assignorName: 'uniform',
    })
    expect(groups[0]?.members).toMatchObject([
      { ...described, assignment, targetAssignment: assignment, memberType: 1 },
    ])
    expect(groups.slice(1).map(({ errorCode }) => nameOf(errorCode))).toEqual([
      'GROUP_ID_NOT_FOUND',
      'INVALID_GROUP_ID',
    ])
    expect(await heartbeat('wire', { memberEpoch: -1 })).toMatchObject({ errorCode: 0, memberEpoch: -1 })
  })

  it('statement 72: says in words why it refuses', async () => {
    const { errorCode, errorMessage } = await join('refused', { serverAssignor: 'x' })
    expect(nameOf(errorCode)).toBe('UNSUPPORTED_ASSIGNOR')
    expect(errorMessage).toBe('ServerAssignor x is not supported. Supported assignors: uniform, range.')
  })

  it('statement 75: tells what is wrong with a regular expression', async () => {
    const { errorCode, errorMessage } = await join('refused', { subscribedTopicRegex: '[' })
    expect(nameOf(errorCode)).toBe('INVALID_REGULAR_EXPRESSION')
    expect(errorMessage).toBe('SubscribedTopicRegex `[` is not a valid regular expression: missing closing ].')
  })

  it('statement 68: is listed by type and state, and described as a classic group it does not exist', async () => {
    await join('listed')
    const { groups } = await client.call(ListGroups, 5, { statesFilter: ['STABLE'], typesFilter: ['Consumer'] })
    expect(groups).toContainEqual({
      groupId: 'listed',
      protocolType: 'consumer',
      groupState: 'Stable',
      groupType: 'consumer',
    })
    const classic = await client.call(ListGroups, 5, { statesFilter: [], typesFilter: ['classic'] })
    expect(classic.groups.map(({ groupId }) => groupId)).not.toContain('listed')
    const described = await client.call(DescribeGroups, 6, { groups: ['listed'] })
    expect(described.groups[0]).toMatchObject({
      groupState: 'Dead',
      errorMessage: 'Group listed is not a classic group.',
    })
  })

  it('statement 68: is deleted only when empty, and its subscribed topics keep their offsets', async () => {
    await join('deleted')
    expect(await commit(9, 'deleted', ['m', 2])).toBe('NONE')
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
    const kept = await client.call(OffsetDelete, 0, { groupId: 'deleted', topics })
    expect(nameOf(kept.topics[0]?.partitions[0]?.errorCode)).toBe('GROUP_SUBSCRIBED_TO_TOPIC')
    const remove = async () =>
      nameOf((await client.call(DeleteGroups, 2, { groupsNames: ['deleted'] })).results[0]?.errorCode)
    expect(await remove()).toBe('NON_EMPTY_GROUP')
    const gone = await client.call(LeaveGroup, 4, {
      groupId: 'deleted',
      members: [{ memberId: 'm' }, { memberId: 'x' }],
    })
    expect(gone.members.map(({ errorCode }) => nameOf(errorCode))).toEqual(['NONE', 'UNKNOWN_MEMBER_ID'])
    expect(await remove()).toBe('NONE')
    expect(await fetchOffset(9, 'deleted')).toBe(-1)
  })
})

describe('statement 75: offsets of a group of the consumer protocol', () => {
  it('statement 75: are committed in the present epoch, by clients that know what a stale one is', async () => {
    await join('offsets')
    expect(await commit(9, 'offsets', ['m', 2])).toBe('NONE')
    expect(await commit(10, 'offsets', ['m', 2])).toBe('NONE')
    expect(await commit(9, 'offsets', ['m', 1])).toBe('STALE_MEMBER_EPOCH')
    expect(await commit(9, 'offsets', ['m', 3])).toBe('STALE_MEMBER_EPOCH')
    expect(await commit(8, 'offsets', ['m', 2])).toBe('UNSUPPORTED_VERSION')
    expect(await commit(9, 'offsets', ['x', 2])).toBe('UNKNOWN_MEMBER_ID')
    expect(await commit(9, 'offsets', ['', -1])).toBe('UNKNOWN_MEMBER_ID')
  })

  it('statement 75: in an epoch before, for what the member has had since then (KIP-1251)', async () => {
    await join('late')
    await join('late', { memberId: 'other' })
    expect((await heartbeat('late')).assignment?.topicPartitions).toEqual([{ topicId, partitions: [0] }])
    const kept = [{ topicId, partitions: [0] }]
    expect(await heartbeat('late', { topicPartitions: kept })).toMatchObject({ memberEpoch: 3 })
    expect(await commit(9, 'late', ['m', 2])).toBe('NONE')
    expect(await commit(10, 'late', ['m', 2])).toBe('NONE')
    expect(await commit(9, 'late', ['m', 1])).toBe('STALE_MEMBER_EPOCH')
    // Not for what it has given up, nor for what it got later.
    expect(await commit(9, 'late', ['m', 2], 1)).toBe('STALE_MEMBER_EPOCH')
    expect(await stage('late', ['m', 2], 0)).toBe('NONE')
    expect(await stage('late', ['m', 2], 1)).toBe('ILLEGAL_GENERATION')
    await heartbeat('late', { memberId: 'other', memberEpoch: -1 })
    await heartbeat('late', { memberEpoch: 3 })
    expect(await commit(9, 'late', ['m', 4], 1)).toBe('NONE')
    expect(await commit(9, 'late', ['m', 3], 1)).toBe('STALE_MEMBER_EPOCH')
    expect(await commit(9, 'late', ['m', 3])).toBe('NONE')
  })

  it('statement 66: are fetched in the present epoch, or by whoever does not say who it is', async () => {
    await join('fetched')
    await commit(9, 'fetched', ['m', 2])
    expect(await fetchOffset(9, 'fetched')).toBe(7)
    expect(await fetchOffset(9, 'fetched', { memberId: 'm', memberEpoch: 2 })).toBe(7)
    expect(await fetchOffset(10, 'fetched', { memberId: 'm', memberEpoch: 2 })).toBe(7)
    expect(await fetchOffset(9, 'fetched', { memberId: 'm', memberEpoch: 1 })).toBe('STALE_MEMBER_EPOCH')
    expect(await fetchOffset(9, 'fetched', { memberId: 'x', memberEpoch: 2 })).toBe('UNKNOWN_MEMBER_ID')
    // Unlike Kafka 4.3, which fails.
    expect(await fetchOffset(9, 'fetched', { memberEpoch: 2 })).toBe('UNKNOWN_MEMBER_ID')
    // As Kafka 4.3 answers, too: nobody has committed anything there.
    expect(await fetchOffset(9, 'unknown', { memberId: 'm', memberEpoch: 2 })).toBe(-1)
  })
})

describe('statement 76: an empty group takes the protocol of whoever comes next', () => {
  it('statement 76: from classic to consumer and back, keeping its offsets', async () => {
    expect(await commit(8, 'turned', ['', -1])).toBe('NONE')
    expect((await join('turned')).errorCode).toBe(0)
    expect(await fetchOffset(9, 'turned', { memberId: 'm', memberEpoch: 2 })).toBe(7)
    await heartbeat('turned', { memberEpoch: -1 })
    expect(nameOf((await joinClassic('turned')).errorCode)).toBe('NONE')
    const { groups } = await client.call(ListGroups, 5, { statesFilter: [], typesFilter: ['classic'] })
    expect(groups.map(({ groupId }) => groupId)).toContain('turned')
    expect(await fetchOffset(9, 'turned')).toBe(7)
  })

  it('statement 76: one in use takes members of both (online migration)', async () => {
    await join('used')
    const { errorCode, leader } = await joinClassic('used')
    expect([nameOf(errorCode), leader]).toEqual(['NONE', ''])
    const { groups } = await client.call(ConsumerGroupDescribe, 1, {
      groupIds: ['used'],
      includeAuthorizedOperations: false,
    })
    expect(groups[0]?.members.map(({ memberType }) => memberType)).toEqual([1, 0])
    // A group in its first round has no generation that could be kept.
    expect(nameOf((await joinClassic('used-classic')).errorCode)).toBe('NONE')
    expect((await join('used-classic')).errorCode).toBe(0)
  })
})

describe('statement 74: settings of a group', () => {
  const group = { resourceType: 32, resourceName: 'configured' }

  async function alter(name: string, value: string | null, resourceName = 'configured'): Promise<string> {
    const configs = [{ name, configOperation: value === null ? 1 : 0, value }]
    const resources = [{ resourceType: 32, resourceName, configs }]
    const { responses } = await client.call(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
    return responses[0]?.errorMessage ?? nameOf(responses[0]?.errorCode)
  }

  it('statement 74: are within the bounds of the broker, and take effect', async () => {
    expect(await alter('consumer.heartbeat.interval.ms', '7000')).toBe('NONE')
    expect((await join('configured')).heartbeatIntervalMs).toBe(7000)
    const [session, heartbeats] = ['consumer.session.timeout.ms', 'consumer.heartbeat.interval.ms']
    expect(await alter(session, '4000')).toBe(
      'consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms',
    )
    expect(await alter(heartbeats, '60000')).toMatch(/must be less than or equal to/)
    expect(await alter('consumer.x', '1')).toBe('Unknown group config name: consumer.x')
    expect(await alter(session, '50000', '')).toBe('Default group resources are not allowed.')
    const request = { resources: [{ ...group, configurationKeys: null }], includeSynonyms: true }
    const { results } = await client.call(DescribeConfigs, 4, request)
    expect(results[0]?.configs).toMatchObject([
      { name: session, value: '45000', configSource: 5, synonyms: [{ name: `group.${session}` }] },
      { name: heartbeats, value: '7000', configSource: 8, synonyms: [{ source: 8 }, { source: 5 }] },
    ])
    expect(await alter(heartbeats, null)).toBe('NONE')
    expect((await heartbeat('configured')).heartbeatIntervalMs).toBe(5000)
  })
})
