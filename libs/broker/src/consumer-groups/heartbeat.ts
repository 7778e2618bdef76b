import { KafkaError } from '@keyfold/protocol'
import type { AssignorName } from './assignor.ts'
import { type ConsumerGroup, type GroupChange, isAway } from './consumer-group.ts'
import { awayEpoch, type ConsumerMember, newConsumerMember } from './consumer-member.ts'
import type { HeartbeatRequest, Refusal } from './heartbeat-request.ts'
import { heldSince } from './held-since.ts'
import { isEqual, isSubset, noPartitions, type PartitionSet } from './partition-set.ts'
import { reconcile } from './reconciliation.ts'
import type { Subscriptions } from './subscriptions.ts'
import { computeTargets, isSameTopics, subscribedTopics } from './target-assignment.ts'

/**
 * What a heartbeat does to a group, as a change to be journaled: nothing is changed here. Reference for the rules:
 * KIP-848, KIP-1082, and what Apache Kafka 4.3 answers.
 */

export interface HeartbeatWorld {
  readonly subscriptions: Subscriptions
  readonly assignorNames: readonly AssignorName[]
  /** Members per group. */
  readonly maxSize: number
}

export interface HeartbeatOutcome {
  /** Undefined if the group stays as it is. */
  readonly change: GroupChange | undefined
  readonly member: ConsumerMember
  /** True if the answer has to say what the member may use. */
  readonly isAssignmentDue: boolean
}

/** A heartbeat of a member that joins or goes on; the request's form has been checked. */
export function decideHeartbeat(
  group: ConsumerGroup,
  request: HeartbeatRequest,
  world: HeartbeatWorld,
): HeartbeatOutcome | Refusal {
  const found = findMember(group, request, world.maxSize)
  if ('error' in found) return found
  const subscribed = withRequest(found.present, request)
  const outcome = advance(group, { ...found, subscribed, owned: request.owned }, world)
  return { ...outcome, isAssignmentDue: isFull(request) || outcome.isAssignmentDue }
}

/** A member with what it has said, taken as far towards its target as it goes. */
export function advance(
  group: ConsumerGroup,
  step: FoundMember & { readonly subscribed: ConsumerMember; readonly owned: PartitionSet | null },
  world: HeartbeatWorld,
): HeartbeatOutcome {
  const { present, replaced, subscribed, owned } = step
  const round = nextRound(group, { ...step, member: subscribed }, world)
  const { memberId } = subscribed
  const member = reconcile(subscribed, {
    epoch: round.assignmentEpoch,
    target: round.targetOf(memberId),
    owned,
    isFree: (topicId, partition) => {
      const holder = group.holderOf(topicId, partition)
      return holder === undefined || holder === memberId || holder === replaced
    },
  })
  const isSame = member === group.members.get(memberId) && replaced === undefined && !round.isNew
  const change: GroupChange = {
    groupId: group.groupId,
    groupEpoch: round.groupEpoch,
    assignmentEpoch: round.assignmentEpoch,
    removed: replaced === undefined ? [] : [replaced],
    members: [member],
    targets: round.changedTargets,
    ...(round.topics === undefined ? {} : { topics: round.topics }),
  }
  const isAssignmentDue = !isEqual(present.assigned, member.assigned)
  return { change: isSame ? undefined : change, member, isAssignmentDue }
}

/** A member goes for good (-1), or a static one for a while (-2). */
export function decideLeave(
  group: ConsumerGroup,
  request: HeartbeatRequest,
  subscriptions: Subscriptions,
): GroupChange | Refusal {
  const member = presentMember(group, request)
  if ('error' in member) return member
  if (request.memberEpoch !== awayEpoch || request.instanceId === null)
    return removal(group, [member.memberId], subscriptions)
  const away: ConsumerMember = {
    ...member,
    state: 'stable',
    memberEpoch: awayEpoch,
    pendingRevocation: noPartitions,
    // Whoever comes back in its place has a new id, and had them all along.
    heldSince: heldSince(member.assigned, 0),
  }
  const { groupId, groupEpoch, assignmentEpoch } = group
  return { groupId, groupEpoch, assignmentEpoch, removed: [], members: [away], targets: new Map() }
}

/** Members that are gone: a new target is computed when one of the others comes by. */
export function removal(group: ConsumerGroup, memberIds: string[], subscriptions: Subscriptions): GroupChange {
  const { groupId, groupEpoch, assignmentEpoch } = group
  const left = [...group.members.values()].filter(({ memberId }) => !memberIds.includes(memberId))
  return {
    groupId,
    groupEpoch: groupEpoch + 1,
    assignmentEpoch,
    removed: memberIds,
    members: [],
    targets: new Map(),
    // What topics have done until now belongs to this epoch; what they do from now on is one of its own.
    topics: subscribedTopics(left, subscriptions).partitionCounts,
  }
}

/** The member that a request speaks of, a static one by both of its ids. */
export function presentMember(
  group: ConsumerGroup,
  { memberId, instanceId }: { memberId: string; instanceId: string | null },
): ConsumerMember | Refusal {
  if (instanceId === null) {
    const member = group.members.get(memberId)
    return (
      member ?? refusal(KafkaError.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${group.groupId}.`)
    )
  }
  const member = group.staticMember(instanceId)
  if (member === undefined) return refusal(KafkaError.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
  if (member.memberId === memberId) return member
  const text = `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`
  return refusal(KafkaError.FENCED_INSTANCE_ID, text)
}

interface FoundMember {
  /** As it is before the request, under the id it has from now on. */
  readonly present: ConsumerMember
  /** The id under which a returning static member was known. */
  readonly replaced?: string
}

function findMember(group: ConsumerGroup, request: HeartbeatRequest, maxSize: number): FoundMember | Refusal {
  const { memberId, memberEpoch, instanceId } = request
  const known = group.members.get(memberId)
  if (known === undefined && group.members.size >= maxSize) {
    const text = `The consumer group has reached its maximum capacity of ${maxSize} members.`
    return refusal(KafkaError.GROUP_MAX_SIZE_REACHED, text)
  }
  if (memberEpoch !== 0) {
    const member = presentMember(group, request)
    return 'error' in member ? member : (epochProblem(member, request) ?? { present: member })
  }
  const former = instanceId === null ? undefined : group.staticMember(instanceId)
  if (former === undefined) {
    // Whoever joins once more under its id starts from nothing, but keeps its place.
    return { present: known ?? newConsumerMember(memberId) }
  }
  if (!isAway(former) && former.classic === null) {
    const text = `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by a member.`
    return refusal(KafkaError.UNRELEASED_INSTANCE_ID, text)
  }
  const back: ConsumerMember = { ...former, memberId, state: 'stable', memberEpoch: 0, previousMemberEpoch: 0 }
  return { present: back, replaced: former.memberId }
}

/** A member may be one epoch behind if the answer that told it the new one can have been lost. */
function epochProblem(member: ConsumerMember, { memberEpoch, owned }: HeartbeatRequest): Refusal | undefined {
  if (memberEpoch === member.memberEpoch) return undefined
  const isBehind = memberEpoch < member.memberEpoch
  const isRepeat = memberEpoch === member.previousMemberEpoch && owned !== null && isSubset(owned, member.assigned)
  if (isBehind && isRepeat) return undefined
  const text = `The consumer group member has a ${isBehind ? 'smaller' : 'greater'} member epoch (${memberEpoch}) than the one known by the group coordinator (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`
  return refusal(KafkaError.FENCED_MEMBER_EPOCH, text)
}

/** The member with what the request says anew; the same object if that is nothing. */
function withRequest(member: ConsumerMember, request: HeartbeatRequest): ConsumerMember {
  const updated: ConsumerMember = {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    classic: null,
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    subscribedTopicNames:
      request.subscribedTopicNames === null
        ? member.subscribedTopicNames
        : [...new Set(request.subscribedTopicNames)].toSorted(),
  }
  const isSame =
    hasSameSubscription(member, updated) && comparedFields.every((field) => member[field] === updated[field])
  return isSame ? member : updated
}

const comparedFields = [
  'instanceId',
  'rackId',
  'clientId',
  'clientHost',
  'rebalanceTimeoutMs',
  'serverAssignor',
  'classic',
] as const satisfies (keyof ConsumerMember)[]

function hasSameSubscription(a: ConsumerMember, b: ConsumerMember): boolean {
  const [names, others] = [a.subscribedTopicNames, b.subscribedTopicNames]
  const isSameNames =
    names === others || (names.length === others.length && names.every((name, i) => name === others[i]))
  return isSameNames && a.subscribedTopicRegex === b.subscribedTopicRegex
}

interface Round {
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  readonly targetOf: (memberId: string) => PartitionSet
  readonly changedTargets: ReadonlyMap<string, PartitionSet>
  readonly topics?: ReadonlyMap<string, number>
  readonly isNew: boolean
}

/** The targets as they are, or new ones if subscriptions, topics or members are no longer those they were made for. */
function nextRound(
  group: ConsumerGroup,
  { member, present, replaced }: FoundMember & { member: ConsumerMember },
  { subscriptions, assignorNames }: HeartbeatWorld,
): Round {
  const { groupEpoch, assignmentEpoch } = group
  const { memberId } = member
  const formerId = replaced ?? memberId
  const presentTargetOf = (id: string) => group.targetOf(id === memberId ? formerId : id)
  const isResubscribed = !hasSameSubscription(present, member)
  const isBehind = groupEpoch > assignmentEpoch
  // The change takes the former id's target away.
  const renamed = new Map(replaced === undefined ? [] : [[memberId, presentTargetOf(memberId)]])
  const asBefore = { groupEpoch, assignmentEpoch, targetOf: presentTargetOf, changedTargets: renamed, isNew: false }
  if (!isResubscribed && !isBehind && group.checkedRevision === subscriptions.revision) return asBefore
  const others = [...group.members.values()].filter(
    (other) => other.memberId !== memberId && other.memberId !== replaced,
  )
  const members = [...others, member]
  const topics = subscribedTopics(members, subscriptions)
  const isOther = !isSameTopics(topics.partitionCounts, group.topics)
  if (!isResubscribed && !isBehind && !isOther) return asBefore
  const epoch = isResubscribed || !isBehind || isOther ? groupEpoch + 1 : groupEpoch
  const targets = computeTargets(members, topics, { targetOf: presentTargetOf, assignorNames })
  const isChanged = ([id, target]: [string, PartitionSet]) => renamed.has(id) || !isEqual(target, presentTargetOf(id))
  return {
    groupEpoch: epoch,
    assignmentEpoch: epoch,
    targetOf: (id) => targets.get(id) ?? noPartitions,
    changedTargets: new Map([...targets].filter(isChanged)),
    ...(isOther ? { topics: topics.partitionCounts } : {}),
    isNew: true,
  }
}

/** A member that starts, or is not sure of where it stands, says everything. */
function isFull({ memberEpoch, rebalanceTimeoutMs, owned, ...request }: HeartbeatRequest): boolean {
  if (memberEpoch === 0) return true
  const isSubscribed = request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null
  return rebalanceTimeoutMs !== -1 && isSubscribed && owned !== null
}

function refusal(error: KafkaError, message: string): Refusal {
  return { error, message }
}
