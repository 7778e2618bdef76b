import { BufferWriter } from '@keyfold/bytes'
import { beforeEach, describe, expect, it } from 'vitest'
import type { JoinAnswer, SyncAnswer } from '../group-coordinator/member.ts'
import { ConsumerGroupRehearsal } from '../testing/consumer-group-rehearsal.ts'
import { readAssignment } from './embedded-protocol.ts'
import { partitionList } from './partition-set.ts'

let group: ConsumerGroupRehearsal

beforeEach(async () => {
  group = await ConsumerGroupRehearsal.open()
  group.createTopic('t', 4)
})

type Owned = readonly number[]

/** What a cooperative consumer of topic t says, with what it still has. */
function subscription(owned: Owned): Buffer {
  const writer = new BufferWriter()
  writer.writeInt16(1)
  writer.writeInt32(1)
  writer.writeString('t')
  writer.writeNullableBytes(null)
  writePartitions(writer, owned)
  return Buffer.from(writer.toBuffer())
}

function assignment(partitions: Owned): Buffer {
  const writer = new BufferWriter()
  writer.writeInt16(1)
  writePartitions(writer, partitions)
  writer.writeNullableBytes(null)
  return Buffer.from(writer.toBuffer())
}

function writePartitions(writer: BufferWriter, partitions: Owned): void {
  writer.writeInt32(partitions.length === 0 ? 0 : 1)
  if (partitions.length === 0) return
  writer.writeString('t')
  writer.writeInt32(partitions.length)
  for (const partition of partitions) writer.writeInt32(partition)
}

interface Joining {
  memberId?: string
  owned?: Owned
  groupInstanceId?: string
  metadata?: Buffer
}

function joining({ memberId = '', owned = [], groupInstanceId, metadata }: Joining): Promise<JoinAnswer> {
  const who = { groupId: 'g', memberId, groupInstanceId: groupInstanceId ?? null, clientId: 'c', clientHost: '/h' }
  const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000 }
  const protocols = [{ name: 'cooperative-sticky', metadata: metadata ?? subscription(owned) }]
  const client = { protocolType: 'consumer', protocols, memberIdRequired: false, canSkipAssignment: false }
  return new Promise((resolve) => group.broker.groups.join({ ...who, ...times, ...client }, resolve))
}

function syncing(memberId: string, generationId: number, assignments = new Map<string, Buffer>()): Promise<SyncAnswer> {
  const who = { groupId: 'g', memberId, groupInstanceId: null, generationId }
  const protocol = { protocolType: 'consumer', protocolName: 'cooperative-sticky' }
  return new Promise((resolve) => group.broker.groups.sync({ ...who, ...protocol, assignments }, resolve))
}

function beat(memberId: string, generationId: number): string {
  return group.broker.groups.heartbeat({ groupId: 'g', memberId, groupInstanceId: null, generationId }).name
}

/** The partitions of topic t in an answer to SyncGroup. */
function partitionsIn({ assignment: bytes }: SyncAnswer): readonly number[] {
  return partitionList(readAssignment(bytes, group.broker.catalog) ?? new Map())[0]?.partitions ?? []
}

/** A classic group of one, with all partitions; returns the member's id. */
async function classicGroup(): Promise<string> {
  const joined = joining({})
  group.pass(0)
  const { memberId, generationId } = await joined
  const { error } = await syncing(memberId, generationId, new Map([[memberId, assignment([0, 1, 2, 3])]]))
  expect(error.name).toBe('NONE')
  return memberId
}

describe('statement 76: a group in use', () => {
  it('statement 76: goes to the consumer protocol with the first member of it, keeping who it has', async () => {
    const memberId = await classicGroup()
    expect(group.join('new')).toEqual({ error: 'NONE', epoch: 2, assigned: {} })
    expect(group.broker.groups.get('g')).toBeUndefined()
    expect(group.state()).toBe('Reconciling 2/2')
    expect(beat(memberId, 1)).toBe('REBALANCE_IN_PROGRESS')
    // It is asked to give up two, and joins again once it has.
    const first = await joining({ memberId, owned: [0, 1, 2, 3] })
    expect(first).toMatchObject({ generationId: 1, leader: '', members: [] })
    const kept = partitionsIn(await syncing(memberId, 1))
    expect(kept).toHaveLength(2)
    expect(beat(memberId, 1)).toBe('REBALANCE_IN_PROGRESS')
    expect((await joining({ memberId, owned: kept })).generationId).toBe(2)
    expect(partitionsIn(await syncing(memberId, 2))).toEqual(kept)
    expect(beat(memberId, 2)).toBe('NONE')
    const rest = [0, 1, 2, 3].filter((partition) => !kept.includes(partition))
    expect(group.beat('new')).toEqual({ error: 'NONE', epoch: 2, assigned: { t: rest } })
    expect(group.state()).toBe('Stable 2/2')
  })

  it('statement 76: takes members of the classic protocol in, and tells them what they get', async () => {
    group.join('modern')
    const { memberId, generationId } = await joining({})
    expect(partitionsIn(await syncing(memberId, generationId))).toEqual([])
    expect(beat(memberId, generationId)).toBe('NONE')
    expect(group.beat('modern')).toMatchObject({ assigned: { t: expect.any(Array) as unknown } })
    const owned = group.broker.consumerGroups.get('g')?.members.get('modern')?.assigned
    const kept = partitionList(owned ?? new Map())[0]?.partitions ?? []
    group.beat('modern', { owned: { t: kept } })
    // What it is to get is free now: it joins once more.
    expect(beat(memberId, generationId)).toBe('REBALANCE_IN_PROGRESS')
    const again = await joining({ memberId })
    expect(partitionsIn(await syncing(memberId, again.generationId))).toHaveLength(2)
    expect(beat(memberId, again.generationId)).toBe('NONE')
  })

  it('statement 76: goes back when only classic members are left, who join again', async () => {
    const memberId = await classicGroup()
    group.join('new')
    const present = await joining({ memberId })
    group.beat('new', { memberEpoch: -1 })
    expect(group.state()).toBe('none')
    expect(group.broker.groups.get('g')?.state).toBe('PreparingRebalance')
    expect(beat(memberId, present.generationId)).toBe('REBALANCE_IN_PROGRESS')
    const joined = joining({ memberId })
    group.pass(0)
    const { leader, generationId } = await joined
    expect([leader, generationId]).toEqual([memberId, present.generationId + 1])
  })

  it('statement 76: is a consumer group even if the joiner is then refused, unlike in Kafka', async () => {
    group = await ConsumerGroupRehearsal.open({ 'group.consumer.max.size': 1 })
    group.createTopic('t', 4)
    const memberId = await classicGroup()
    expect(group.join('one too many')).toEqual({ error: 'GROUP_MAX_SIZE_REACHED' })
    expect(group.broker.groups.get('g')).toBeUndefined()
    expect(group.state()).toBe('Stable 1/1')
    expect(beat(memberId, 1)).toBe('NONE')
  })

  it('statement 76: stays one if a static classic member takes the place of the last other, unlike in Kafka', async () => {
    const memberId = await classicGroup()
    group.join('modern', { instanceId: 'i' })
    const back = await joining({ groupInstanceId: 'i' })
    expect(back.error.name).toBe('NONE')
    const members = [...(group.broker.consumerGroups.get('g')?.members.values() ?? [])]
    expect(members.map(({ classic }) => classic !== null)).toEqual([true, true])
    expect(group.broker.groups.get('g')).toBeUndefined()
    // The next that leaves takes it back.
    group.broker.groups.leave('g', [{ memberId, groupInstanceId: null }])
    expect(group.state()).toBe('none')
    expect(group.broker.groups.get('g')?.members.size).toBe(1)
  })

  it('statement 76: lasts through a restart with members of both protocols', async () => {
    const memberId = await classicGroup()
    group.join('new')
    const before = group.broker.consumerGroups.get('g')?.facts()
    group = await group.restarted()
    expect(group.broker.consumerGroups.get('g')?.facts()).toEqual(before)
    expect(group.broker.groups.get('g')).toBeUndefined()
    expect(beat(memberId, 1)).toBe('REBALANCE_IN_PROGRESS')
  })

  it('statement 76: loses classic members that are silent, or do not join when they are to', async () => {
    group.join('modern')
    const silent = await joining({})
    await syncing(silent.memberId, silent.generationId)
    group.pass(10_000)
    expect(beat(silent.memberId, silent.generationId)).toBe('UNKNOWN_MEMBER_ID')
    const slow = await joining({})
    await syncing(slow.memberId, slow.generationId)
    group.join('another')
    for (let time = 0; time < 3; time++) {
      expect(beat(slow.memberId, slow.generationId)).toBe('REBALANCE_IN_PROGRESS')
      group.pass(9_000)
    }
    expect(beat(slow.memberId, slow.generationId)).toBe('UNKNOWN_MEMBER_ID')
  })

  it('statement 76: stays as it is when the policy says so, or what its members say cannot be kept', async () => {
    group = await ConsumerGroupRehearsal.open({ 'group.consumer.migration.policy': 'disabled' })
    group.createTopic('t', 4)
    await classicGroup()
    expect(group.join('new')).toEqual({ error: 'GROUP_ID_NOT_FOUND' })
    expect(group.broker.groups.get('g')?.state).toBe('Stable')
    group = await ConsumerGroupRehearsal.open()
    const joined = joining({ metadata: Buffer.from('opaque') })
    group.pass(0)
    const { memberId, generationId } = await joined
    await syncing(memberId, generationId)
    expect(group.join('new')).toEqual({ error: 'GROUP_ID_NOT_FOUND' })
  })

  it('statement 76: refuses what does not fit: other protocols, old generations, members of the other kind', async () => {
    group.join('modern')
    expect((await joining({ metadata: Buffer.alloc(1) })).error.name).toBe('INCONSISTENT_GROUP_PROTOCOL')
    const { memberId, generationId } = await joining({ groupInstanceId: 'i' })
    expect((await syncing(memberId, generationId + 1)).error.name).toBe('ILLEGAL_GENERATION')
    expect(beat(memberId, generationId + 1)).toBe('ILLEGAL_GENERATION')
    expect(beat('modern', 2)).toBe('UNKNOWN_MEMBER_ID')
    expect((await joining({ memberId: 'else', groupInstanceId: 'i' })).error.name).toBe('FENCED_INSTANCE_ID')
    const back = await joining({ groupInstanceId: 'i' })
    expect(back.error.name).toBe('NONE')
    expect(back.memberId).not.toBe(memberId)
    expect(beat(memberId, generationId)).toBe('UNKNOWN_MEMBER_ID')
  })
})
