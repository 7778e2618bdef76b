import { zeroUuid } from '@keyfold/bytes'
import {
  AddOffsetsToTxn,
  CreateTopics,
  DeleteGroups,
  DeleteTopics,
  DescribeGroups,
  EndTxn,
  InitProducerId,
  JoinGroup,
  KafkaError,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  SyncGroup,
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
  const topics = ['t', 'u', 'gone'].map((name) => ({
    name,
    numPartitions: 3,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  const created = await client.call(CreateTopics, 7, { topics })
  topicId = created.topics[0]?.topicId ?? zeroUuid
})

afterAll(async () => {
  client.close()
  await broker.close()
})

function commitRequest(groupId: string, overrides: { name?: string; offset?: number; metadata?: string | null } = {}) {
  const { name = 't', offset = 5, metadata = 'm' } = overrides
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: metadata }]
  return { groupId, memberId: '', topics: [{ name, partitions }] }
}

async function commit(groupId: string, overrides: Parameters<typeof commitRequest>[1] = {}): Promise<string> {
  const { topics } = await client.call(OffsetCommit, 7, commitRequest(groupId, overrides))
  return nameOf(topics[0]?.partitions[0]?.errorCode)
}

function nameOf(code: number | undefined): string {
  return Object.values(KafkaError).find((error) => error.code === code)?.name ?? `${code}`
}

async function offsetOf(groupId: string, { requireStable = false, name = 't' } = {}) {
  const topics = [{ name, partitionIndexes: [0] }]
  const fetched = await client.call(OffsetFetch, 7, { groupId, topics, requireStable })
  const partition = fetched.topics[0]?.partitions[0]
  return [partition?.committedOffset, nameOf(partition?.errorCode)]
}

function joinFirst(member: WireClient, groupId: string) {
  const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 }
  const protocols = [{ name: 'range', metadata: subscription }]
  return member.call(JoinGroup, 3, { groupId, memberId: '', ...times, protocolType: 'consumer', protocols })
}

describe('statement 65: committing', () => {
  it('statement 65: without a group in use anybody may; the text has a limit, the topic has to exist', async () => {
    expect(await commit('simple')).toBe('NONE')
    expect(await commit('simple', { metadata: 'x'.repeat(5000) })).toBe('OFFSET_METADATA_TOO_LARGE')
    expect(await commit('simple', { name: 'unknown' })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    // As in Kafka, the empty group is one like any other to who is no member.
    expect(await commit('')).toBe('NONE')
    expect(await offsetOf('simple')).toEqual([5, 'NONE'])
  })

  it('statement 65: an unknown group with a generation has an error of its own from version 9 on', async () => {
    const request = { ...commitRequest('never'), generationIdOrMemberEpoch: 1 }
    const codes = [8, 9].map(async (version) => {
      const answer = await new WireClient(broker).call(OffsetCommit, version, request)
      return nameOf(answer.topics[0]?.partitions[0]?.errorCode)
    })
    expect(await Promise.all(codes)).toEqual(['ILLEGAL_GENERATION', 'GROUP_ID_NOT_FOUND'])
  })

  it('statement 65: works by topic id, too', async () => {
    const partitions = [{ partitionIndex: 1, committedOffset: 8, committedMetadata: null }]
    const topics = [
      { topicId, partitions },
      { topicId: zeroUuid, partitions },
    ]
    const committed = await client.call(OffsetCommit, 10, { groupId: 'by-id', memberId: '', topics })
    expect(committed.topics.map(({ partitions: [p] }) => nameOf(p?.errorCode))).toEqual(['NONE', 'UNKNOWN_TOPIC_ID'])
    const fetched = await client.call(OffsetFetch, 10, { groups: [{ groupId: 'by-id', topics: null }] })
    expect(fetched.groups[0]?.topics).toMatchObject([
      { topicId, partitions: [{ partitionIndex: 1, committedOffset: 8 }] },
    ])
  })
})

describe('statement 66: fetching', () => {
  it('statement 66: answers -1 for what nobody has committed, for unknown groups as well', async () => {
    expect(await offsetOf('unknown')).toEqual([-1, 'NONE'])
    expect(await offsetOf('simple', { name: 'u' })).toEqual([-1, 'NONE'])
  })

  it('statement 66: fetches several groups at once; null means all topics', async () => {
    await commit('first', { offset: 1 })
    await commit('second', { offset: 2, name: 'u' })
    const groups = ['first', 'second'].map((groupId) => ({ groupId, topics: null }))
    const fetched = await client.call(OffsetFetch, 8, { groups })
    expect(fetched.groups.map(({ topics: [t] }) => [t?.name, t?.partitions[0]?.committedOffset])).toEqual([
      ['t', 1],
      ['u', 2],
    ])
  })
})

describe('statement 34: offsets of a transaction', () => {
  it('statement 34: are pending until it ends, and stable readers are told so', async () => {
    await commit('txn', { offset: 3 })
    const started = await client.call(InitProducerId, 4, { transactionalId: 'offsets', transactionTimeoutMs: 60_000 })
    const producer = {
      transactionalId: 'offsets',
      producerId: started.producerId,
      producerEpoch: started.producerEpoch,
    }
    expect((await client.call(AddOffsetsToTxn, 3, { ...producer, groupId: 'txn' })).errorCode).toBe(0)
    const staged = await client.call(TxnOffsetCommit, 3, { ...producer, ...commitRequest('txn', { offset: 10 }) })
    expect(staged.topics[0]?.partitions[0]?.errorCode).toBe(0)
    expect(await offsetOf('txn')).toEqual([3, 'NONE'])
    expect(await offsetOf('txn', { requireStable: true })).toEqual([-1, 'UNSTABLE_OFFSET_COMMIT'])
    expect((await client.call(EndTxn, 3, { ...producer, committed: true })).errorCode).toBe(0)
    expect(await offsetOf('txn', { requireStable: true })).toEqual([10, 'NONE'])
  })

  it('statement 23: of a fenced producer are refused, in the words of the version', async () => {
    const init = { transactionalId: 'fence', transactionTimeoutMs: 60_000 }
    const old = await client.call(InitProducerId, 4, init)
    await client.call(InitProducerId, 4, init)
    const producer = { transactionalId: 'fence', producerId: old.producerId, producerEpoch: old.producerEpoch }
    const code = async (version: number) =>
      nameOf((await client.call(AddOffsetsToTxn, version, { ...producer, groupId: 'txn' })).errorCode)
    expect([await code(1), await code(2)]).toEqual(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED'])
  })
})

describe('statement 68: a group in use', () => {
  it('statement 68: keeps its offsets and cannot be deleted; described and listed by state', async () => {
    await commit('used', { offset: 1 })
    await commit('used', { offset: 1, name: 'u' })
    const member = new WireClient(broker)
    const { memberId, generationId } = await joinFirst(member, 'used')
    await member.call(SyncGroup, 3, { groupId: 'used', generationId, memberId, assignments: [] })
    const partitions = [{ partitionIndex: 0 }]
    const deleted = await client.call(OffsetDelete, 0, {
      groupId: 'used',
      topics: [
        { name: 't', partitions },
        { name: 'u', partitions },
      ],
    })
    expect(deleted.topics.map(({ partitions: [p] }) => nameOf(p?.errorCode))).toEqual([
      'GROUP_SUBSCRIBED_TO_TOPIC',
      'NONE',
    ])
    expect(await offsetOf('used')).toEqual([1, 'NONE'])
    expect(await offsetOf('used', { name: 'u' })).toEqual([-1, 'NONE'])
    const removed = await client.call(DeleteGroups, 2, { groupsNames: ['used', 'unknown', 'simple'] })
    expect(removed.results.map(({ errorCode }) => nameOf(errorCode))).toEqual([
      'NON_EMPTY_GROUP',
      'GROUP_ID_NOT_FOUND',
      'NONE',
    ])
    const { groups } = await client.call(DescribeGroups, 5, { groups: ['used', 'unknown'] })
    expect(groups).toMatchObject([
      { groupState: 'Stable', members: [{ memberId, clientId: 'wire', clientHost: '/127.0.0.1' }] },
      { groupState: 'Dead', errorCode: 0 },
    ])
    const unknown = await client.call(DescribeGroups, 6, { groups: ['unknown'] })
    expect(nameOf(unknown.groups[0]?.errorCode)).toBe('GROUP_ID_NOT_FOUND')
    const listed = await client.call(ListGroups, 5, { statesFilter: ['stable'], typesFilter: ['Classic'] })
    expect(listed.groups).toEqual([
      { groupId: 'used', protocolType: 'consumer', groupState: 'Stable', groupType: 'classic' },
    ])
    member.close()
  })
})

it('statement 68: a group that only a refused commit made is to be seen, and who joins it, unlike in Kafka', async () => {
  const long = { metadata: 'x'.repeat(5000) }
  expect(await commit('refused', long)).toBe('OFFSET_METADATA_TOO_LARGE')
  const seen = async () => {
    const { groups } = await client.call(DescribeGroups, 5, { groups: ['refused'] })
    const listed = await client.call(ListGroups, 5, { statesFilter: [], typesFilter: [] })
    return [groups[0]?.groupState, listed.groups.find(({ groupId }) => groupId === 'refused')?.groupState]
  }
  expect(await seen()).toEqual(['Empty', 'Empty'])
  await joinFirst(client, 'refused')
  expect(await seen()).toEqual(['CompletingRebalance', 'CompletingRebalance'])
})

it('statement 54: with a topic go the offsets committed in it', async () => {
  await commit('orphan', { name: 'gone' })
  await client.call(DeleteTopics, 5, { topicNames: ['gone'], timeoutMs: 1 })
  const topic = { name: 'gone', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await client.call(CreateTopics, 7, { topics: [topic] })
  expect(await offsetOf('orphan', { name: 'gone' })).toEqual([-1, 'NONE'])
})
