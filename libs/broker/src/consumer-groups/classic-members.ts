import { KafkaError } from '@keyfold/protocol'
import type { GroupFacts } from '../group-coordinator/group.ts'
import type { MemberFacts, MemberProtocol } from '../group-coordinator/member.ts'
import type { JoinRequest, SyncRequest } from '../group-coordinator/membership.ts'
import type { ConsumerGroup, GroupChange } from './consumer-group.ts'
import { type ClassicFacts, type ConsumerMember, newConsumerMember } from './consumer-member.ts'
import { readAssignment, readSubscription, type TopicNames, writeAssignment } from './embedded-protocol.ts'
import { advance, type HeartbeatOutcome, type HeartbeatWorld, presentMember } from './heartbeat.ts'
import { heldSince } from './held-since.ts'
import { filter } from './partition-set.ts'

/**
 * Members of the classic protocol in a group of the consumer protocol: while a group moves from one to the other, the
 * coordinator assigns for all of them, and tells the classic ones by JoinGroup, SyncGroup and Heartbeat (KIP-848, online
 * migration). A generation is then a member epoch. Nothing is changed here.
 */

/** A classic group as a consumer group, before anybody new joins; undefined if what its members say cannot be kept. */
export function upgraded(facts: GroupFacts, topics: TopicNames): GroupChange | undefined {
  const { groupId, generationId: epoch, protocolName } = facts
  if (protocolName === null) return undefined
  const taken = new Set<string>()
  const members: ConsumerMember[] = []
  for (const member of facts.members) {
    const metadata = member.protocols.find(({ name }) => name === protocolName)?.metadata
    const subscription = metadata && readSubscription(metadata, topics)
    const said = readAssignment(member.assignment, topics)
    if (subscription === undefined || said === undefined) return undefined
    // A leader may have given a partition to two; here nobody can.
    const assigned = filter(said, (topicId, partition) => {
      const place = `${topicId}:${partition}`
      return !taken.has(place) && taken.add(place).has(place)
    })
    members.push({
      ...newConsumerMember(member.memberId),
      instanceId: member.groupInstanceId,
      rackId: subscription.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      subscribedTopicNames: subscription.topics,
      memberEpoch: epoch,
      previousMemberEpoch: epoch,
      assigned,
      heldSince: heldSince(assigned, epoch),
      classic: classicFacts(member),
    })
  }
  const targets = new Map(members.map(({ memberId, assigned }) => [memberId, assigned]))
  return { groupId, groupEpoch: epoch, assignmentEpoch: epoch, removed: [], members, targets, topics: new Map() }
}

/** A group that only classic members are left in, as their protocol has it; undefined if there are others, or none. */
export function downgraded(group: ConsumerGroup, change: GroupChange, topics: TopicNames): GroupFacts | undefined {
  const changed = new Map(change.members.map((member) => [member.memberId, member]))
  const left = [...group.members.values()].filter(({ memberId }) => !change.removed.includes(memberId))
  const members = left.flatMap((member) => {
    const { classic } = changed.get(member.memberId) ?? member
    if (classic === null) return []
    return [asClassic(member, classic, writeAssignment(group.targetOf(member.memberId), topics, versionOf(classic)))]
  })
  if (members.length === 0 || members.length < left.length) return undefined
  const { groupId, groupEpoch } = group
  const unknown = { protocolName: null, leaderId: null }
  // Not yet that of the change: members go on in their generation until they have heard that they are to join again.
  return { groupId, generationId: groupEpoch, protocolType: 'consumer', ...unknown, members }
}

/** JoinGroup: what it changes, or why not. The member's id has been chosen; its protocols are not looked at but one. */
export function decideClassicJoin(
  group: ConsumerGroup,
  request: JoinRequest,
  world: HeartbeatWorld & { readonly topics: TopicNames },
): HeartbeatOutcome | KafkaError {
  const { memberId, groupInstanceId } = request
  const known = group.members.get(memberId)
  const former = groupInstanceId === null ? undefined : group.staticMember(groupInstanceId)
  const isReturning = former !== undefined && former.memberId !== memberId
  if (known === undefined && !isReturning && group.members.size >= world.maxSize) {
    return KafkaError.GROUP_MAX_SIZE_REACHED
  }
  const [first] = request.protocols
  if (first === undefined || !isSupported(group, request)) return KafkaError.INCONSISTENT_GROUP_PROTOCOL
  const subscription = readSubscription(first.metadata, world.topics)
  if (subscription === undefined) return KafkaError.INCONSISTENT_GROUP_PROTOCOL
  const back = former && { ...former, memberId, state: 'stable' as const, memberEpoch: 0, previousMemberEpoch: 0 }
  const present = (isReturning ? back : known) ?? newConsumerMember(memberId)
  const subscribed: ConsumerMember = {
    ...present,
    instanceId: groupInstanceId ?? present.instanceId,
    rackId: subscription.rackId ?? present.rackId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    subscribedTopicNames: subscription.topics,
    subscribedTopicRegex: '',
    classic: classicFacts(request),
  }
  const replaced = isReturning ? { replaced: former.memberId } : {}
  return advance(group, { present, subscribed, ...replaced, owned: subscription.owned }, world)
}

/** SyncGroup: the member, whose assignment is to be told, or why not. */
export function judgeClassicSync(group: ConsumerGroup, request: SyncRequest): ConsumerMember | KafkaError {
  const member = classicMember(group, request)
  if ('code' in member) return member
  const { classic, memberEpoch, state } = member
  if (request.generationId !== memberEpoch) return KafkaError.ILLEGAL_GENERATION
  const { protocolType, protocolName } = request
  const isOther = protocolName !== null && protocolName !== classic?.protocols[0]?.name
  if (isOther || (protocolType !== null && protocolType !== 'consumer')) return KafkaError.INCONSISTENT_GROUP_PROTOCOL
  // Who still has to give something up has joined already, and is told what is left to it.
  const isBehind = group.groupEpoch > memberEpoch && state !== 'unrevoked'
  return isBehind ? KafkaError.REBALANCE_IN_PROGRESS : member
}

/** Heartbeat: whether the member has to join again, to catch up, to give up partitions or to get those that are free. */
export function judgeClassicHeartbeat(
  group: ConsumerGroup,
  request: { memberId: string; groupInstanceId: string | null; generationId: number },
): ConsumerMember | KafkaError {
  const member = classicMember(group, request)
  if ('code' in member) return member
  const { memberId, memberEpoch, state } = member
  if (request.generationId !== memberEpoch) return KafkaError.ILLEGAL_GENERATION
  const isHeld = (topicId: string, partition: number) => {
    const holder = group.holderOf(topicId, partition)
    return holder !== undefined && holder !== memberId
  }
  const mustRejoin =
    memberEpoch < group.groupEpoch ||
    state === 'unrevoked' ||
    (state === 'unreleased' && filter(group.targetOf(memberId), isHeld).size === 0)
  return mustRejoin ? KafkaError.REBALANCE_IN_PROGRESS : member
}

/** What a classic member may use, in its own protocol. */
export function classicAssignment({ assigned, classic }: ConsumerMember, topics: TopicNames): Buffer {
  return writeAssignment(assigned, topics, classic === null ? 0 : versionOf(classic))
}

function classicMember(
  group: ConsumerGroup,
  { memberId, groupInstanceId }: { memberId: string; groupInstanceId: string | null },
): ConsumerMember | KafkaError {
  const member = presentMember(group, { memberId, instanceId: groupInstanceId })
  if ('error' in member) return member.error
  return member.classic === null ? KafkaError.UNKNOWN_MEMBER_ID : member
}

/** Whether all classic members could be served together with this one, if it came to that. */
function isSupported(group: ConsumerGroup, { memberId, protocolType, protocols }: JoinRequest): boolean {
  const others = [...group.members.values()].filter((member) => member.memberId !== memberId && member.classic !== null)
  const isCommon = ({ name }: MemberProtocol) =>
    others.every(({ classic }) => classic?.protocols.some((protocol) => protocol.name === name))
  return protocolType === 'consumer' && protocols.some(isCommon)
}

function classicFacts({ sessionTimeoutMs, protocols }: Pick<MemberFacts, 'sessionTimeoutMs' | 'protocols'>) {
  const stored = protocols.map(({ name, metadata }) => ({ name, metadata: metadata.toString('base64') }))
  return { sessionTimeoutMs, protocols: stored } satisfies ClassicFacts
}

function asClassic(member: ConsumerMember, classic: ClassicFacts, assignment: Buffer): MemberFacts {
  return {
    memberId: member.memberId,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    sessionTimeoutMs: classic.sessionTimeoutMs,
    protocols: classic.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata, 'base64') })),
    assignment,
  }
}

/** The version that the member's subscription is written in. */
function versionOf({ protocols: [first] }: ClassicFacts): number {
  const metadata = Buffer.from(first?.metadata ?? '', 'base64')
  return metadata.length < 2 ? 0 : metadata.readInt16BE(0)
}
