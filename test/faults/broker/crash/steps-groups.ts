import {
  ConsumerGroupHeartbeat,
  DeleteGroups,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  OffsetCommit,
  OffsetDelete,
  SyncGroup,
} from '@keyfold/protocol'
import type { Scene, SceneMember } from './scene.ts'
import { expectNone, placeOf, type Step } from './steps-logs.ts'

/** A consumer without a group membership commits a position. */
export const commitOffset =
  (group: string, at: string, offset: number): Step =>
  async (scene) => {
    const { topic, partition } = placeOf(at)
    const position = { group, topic, partition, offset }
    scene.history.positions.push({ ...position, kind: 'sent' })
    const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: 'note' }]
    const topics = [{ name: topic, partitions }]
    const response = await scene.ask(OffsetCommit, 8, { groupId: group, memberId: '', topics })
    expectNone('committing an offset', response.topics[0]?.partitions[0]?.errorCode)
    scene.history.positions.push({ ...position, kind: 'acknowledged' })
  }

export const deleteOffset =
  (group: string, at: string): Step =>
  async (scene) => {
    const { topic, partition } = placeOf(at)
    scene.forgetPositions((position) => position.group === group && position.topic === topic)
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition }] }]
    expectNone('deleting an offset', (await scene.ask(OffsetDelete, 0, { groupId: group, topics })).errorCode)
  }

export const deleteGroup =
  (group: string): Step =>
  async (scene) => {
    scene.forgetPositions((position) => position.group === group)
    const { results } = await scene.ask(DeleteGroups, 2, { groupsNames: [group] })
    expectNone('deleting a group', results[0]?.errorCode)
  }

/** Positions of a group may be gone from now on. */
export const expireOffsets =
  (group: string): Step =>
  (scene) => {
    scene.forgetPositions((position) => position.group === group)
    return Promise.resolve()
  }

/** Joins a classic group alone, as its leader, and gets everything. */
export const joinClassic =
  (groupId: string, name: string, instanceId: string | null = null): Step =>
  async (scene) => {
    const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 }
    const before = scene.members.get(name)
    // Whoever joins again is not what it was told before.
    scene.members.delete(name)
    const memberIdToJoin = before?.memberId ?? (await newMemberId(scene, groupId, instanceId))
    const joining = scene.say(JoinGroup, 5, {
      groupId,
      ...times,
      memberId: memberIdToJoin,
      groupInstanceId: instanceId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription }],
    })
    // The first rebalance of a group begins with the next tick of the clock.
    scene.clock.pass(1)
    const joined = await joining
    expectNone(`joining ${groupId}`, joined.errorCode)
    const { generationId, memberId, leader } = joined
    if (generationId <= (scene.generations.get(groupId) ?? 0)) throw new Error(`generation ${generationId} again`)
    const assignments = leader === memberId ? [{ memberId, assignment: Buffer.from('everything') }] : []
    const request = { groupId, generationId, memberId, groupInstanceId: instanceId, assignments }
    const synced = await scene.ask(SyncGroup, 3, request)
    expectNone(`syncing ${groupId}`, synced.errorCode)
    scene.generations.set(groupId, generationId)
    scene.members.set(name, { groupId, memberId, instanceId, epoch: generationId, isClassic: true })
  }

/** A new dynamic member is given an id, and joins with that. */
async function newMemberId(scene: Scene, groupId: string, instanceId: string | null): Promise<string> {
  if (instanceId !== null) return ''
  const { memberId } = await scene.say(JoinGroup, 5, {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription }],
  })
  return memberId
}

/** What a consumer says that subscribes to topic t. */
const subscription = Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 0x74, 255, 255, 255, 255])

export const beatClassic =
  (name: string): Step =>
  async (scene) => {
    const { groupId, memberId, instanceId, epoch } = knownMember(scene, name)
    const request = { groupId, generationId: epoch, memberId, groupInstanceId: instanceId }
    expectNone('a heartbeat', (await scene.say(Heartbeat, 3, request)).errorCode)
  }

export const leaveClassic =
  (name: string): Step =>
  async (scene) => {
    const { groupId, memberId, instanceId } = knownMember(scene, name)
    scene.members.delete(name)
    const members = [{ memberId, groupInstanceId: instanceId }]
    expectNone('leaving', (await scene.say(LeaveGroup, 3, { groupId, memberId: '', members })).errorCode)
  }

export interface ConsumerOptions {
  readonly topics?: readonly string[]
  readonly regex?: string
  readonly instanceId?: string
}

/** Joins a group of the consumer protocol. */
export const joinConsumer =
  (groupId: string, name: string, { topics, regex, instanceId }: ConsumerOptions): Step =>
  async (scene) => {
    await beat(scene, name, {
      groupId,
      memberId: `${name}-of-${groupId}`,
      memberEpoch: 0,
      instanceId: instanceId ?? null,
      rebalanceTimeoutMs: 60_000,
      subscribedTopicNames: topics === undefined ? null : [...topics],
      subscribedTopicRegex: regex ?? null,
      topicPartitions: [],
    })
  }

/** Goes on, and says that it owns exactly what it was given: the next thing is what the coordinator wants. */
export const beatConsumer =
  (name: string): Step =>
  async (scene) => {
    const { groupId, memberId, epoch, instanceId, assigned = [] } = knownMember(scene, name)
    const topicPartitions = assigned.map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] }))
    await beat(scene, name, { groupId, memberId, memberEpoch: epoch, instanceId, topicPartitions })
  }

/** -1: for good; -2: a static member that will be back. */
export const leaveConsumer =
  (name: string, memberEpoch: -1 | -2 = -1): Step =>
  async (scene) => {
    const { groupId, memberId, instanceId } = knownMember(scene, name)
    scene.members.delete(name)
    const answer = await scene.ask(ConsumerGroupHeartbeat, 1, { groupId, memberId, memberEpoch, instanceId })
    expectNone('leaving', answer.errorCode)
  }

async function beat(
  scene: Scene,
  name: string,
  request: Parameters<typeof scene.ask<typeof ConsumerGroupHeartbeat>>[2],
): Promise<void> {
  const before = scene.members.get(name)
  // Between question and answer nobody knows in which epoch the member is.
  scene.members.delete(name)
  const answer = await scene.ask(ConsumerGroupHeartbeat, 1, request)
  expectNone(`a heartbeat of ${name}`, answer.errorCode)
  const { memberEpoch: epoch, assignment } = answer
  if (before !== undefined && epoch < before.epoch) throw new Error(`${name} goes back to epoch ${epoch}`)
  const assigned = assignment?.topicPartitions ?? before?.assigned ?? []
  const { groupId, memberId, instanceId = null } = request
  scene.members.set(name, { groupId, memberId, instanceId, epoch, isClassic: false, assigned })
}

function knownMember({ members }: Scene, name: string): SceneMember {
  const member = members.get(name)
  if (member === undefined) throw new Error(`${name} is in no group`)
  return member
}
