import { KafkaError } from '@keyfold/protocol'
import type { Group } from './group.ts'
import type { GroupContext } from './group-context.ts'
import {
  type JoinAnswer,
  type Member,
  type MemberProtocol,
  newMember,
  noAssignment,
  sameProtocols,
  type SyncAnswer,
} from './member.ts'
import {
  assign,
  answerSync,
  completeJoinIfAllJoined,
  dismiss,
  failedSync,
  joinAnswer,
  prepareRebalance,
  rebalanceOrCompleteJoin,
  refuseSync,
} from './rebalance.ts'
import { cancelJoin, failedJoin, keepAlive, watchNewMember } from './session.ts'

/** Who may come in, who stays, who goes. The rules are those of Kafka's classic groups (KIP-345, KIP-394, KIP-814). */

export interface JoinRequest {
  groupId: string
  memberId: string
  groupInstanceId: string | null
  clientId: string
  clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocolType: string
  protocols: readonly MemberProtocol[]
  /** JoinGroup v4+: a newcomer is first given an id to come back with. */
  memberIdRequired: boolean
  /** JoinGroup v9+: the client understands `skipAssignment`. */
  canSkipAssignment: boolean
}

export interface SyncRequest {
  groupId: string
  memberId: string
  groupInstanceId: string | null
  generationId: number
  protocolType: string | null
  protocolName: string | null
  assignments: ReadonlyMap<string, Buffer>
}

export type JoinReply = (answer: JoinAnswer) => void
export type SyncReply = (answer: SyncAnswer) => void

/** Lets a member in, or back in; `reply` is called now or when the round is complete. */
export function join(context: GroupContext, group: Group, request: JoinRequest, reply: JoinReply): void {
  const { memberId } = request
  const refuse = (error: KafkaError) => reply(failedJoin(error, memberId))
  if (isFull(context, group, memberId)) return refuse(KafkaError.GROUP_MAX_SIZE_REACHED)
  if (!group.supports(request.protocolType, request.protocols)) return refuse(KafkaError.INCONSISTENT_GROUP_PROTOCOL)
  if (memberId === '') return joinAsNewcomer(context, group, request, reply)
  if (group.pendingJoins.has(memberId)) return admit(context, group, request, reply)
  const error = validateMember(group, request)
  const member = group.members.get(memberId)
  if (error !== KafkaError.NONE || member === undefined) return refuse(error)
  rejoin(context, group, { member, request }, reply)
}

/** Brings the leader's assignment, or asks for one's own. */
export function sync(context: GroupContext, group: Group, request: SyncRequest, reply: SyncReply): void {
  const refuse = (error: KafkaError) => reply(failedSync(error))
  const error = validateMember(group, request)
  const member = group.members.get(request.memberId)
  if (error !== KafkaError.NONE || member === undefined) return refuse(error)
  if (request.generationId !== group.generationId) return refuse(KafkaError.ILLEGAL_GENERATION)
  if (differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocolName)) {
    return refuse(KafkaError.INCONSISTENT_GROUP_PROTOCOL)
  }
  if (group.state === 'PreparingRebalance') return refuse(KafkaError.REBALANCE_IN_PROGRESS)
  // A retry takes the place of the request it repeats; the latter's connection is gone.
  refuseSync(member, KafkaError.REBALANCE_IN_PROGRESS)
  member.awaitingSync = reply
  group.pendingSyncs.delete(member.memberId)
  if (group.state === 'Stable') return answerSync(context, group, member)
  keepAlive(context, group, member)
  if (group.isLeader(member.memberId)) assign(context, group, request.assignments)
}

/** A sign of life; the answer tells the member whether it has to rejoin. */
export function heartbeat(
  context: GroupContext,
  group: Group,
  request: { memberId: string; groupInstanceId: string | null; generationId: number },
): KafkaError {
  const error = validateMember(group, request)
  if (error !== KafkaError.NONE) return error
  const member = group.members.get(request.memberId)
  if (member === undefined || group.state === 'Empty') return KafkaError.UNKNOWN_MEMBER_ID
  if (request.generationId !== group.generationId) return KafkaError.ILLEGAL_GENERATION
  keepAlive(context, group, member)
  return group.state === 'PreparingRebalance' ? KafkaError.REBALANCE_IN_PROGRESS : KafkaError.NONE
}

/** Lets members go by id or, for static ones, by instance id alone; one rebalance for all of them. */
export function leave(
  context: GroupContext,
  group: Group,
  leavers: readonly { memberId: string; groupInstanceId: string | null }[],
): KafkaError[] {
  let gone = 0
  const codes = leavers.map((leaver) => {
    if (leaver.groupInstanceId === null && forgetPending(group, leaver.memberId)) {
      gone++
      return KafkaError.NONE
    }
    const memberId = leaver.memberId || (group.staticMembers.get(leaver.groupInstanceId ?? '') ?? '')
    const error = validateMember(group, { ...leaver, memberId })
    const member = group.members.get(memberId)
    if (error !== KafkaError.NONE || member === undefined) return error
    dismiss(group, member)
    gone++
    return KafkaError.NONE
  })
  if (gone === 0) return codes
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') prepareRebalance(context, group)
  else completeJoinIfAllJoined(context, group)
  return codes
}

/** NONE if the ids name a present member: a static one by both of its ids. */
export function validateMember(
  group: Group,
  { memberId, groupInstanceId }: { memberId: string; groupInstanceId: string | null },
): KafkaError {
  if (groupInstanceId !== null) {
    const current = group.staticMembers.get(groupInstanceId)
    if (current === undefined) return KafkaError.UNKNOWN_MEMBER_ID
    if (current !== memberId) return KafkaError.FENCED_INSTANCE_ID
  }
  return group.hasMemberId(memberId) ? KafkaError.NONE : KafkaError.UNKNOWN_MEMBER_ID
}

function joinAsNewcomer(context: GroupContext, group: Group, request: JoinRequest, reply: JoinReply): void {
  const { groupInstanceId } = request
  const memberId = `${groupInstanceId ?? request.clientId}-${context.newUuid()}`
  if (groupInstanceId !== null) {
    const current = group.members.get(group.staticMembers.get(groupInstanceId) ?? '')
    if (current === undefined) return admit(context, group, { ...request, memberId }, reply)
    return replaceStatic(context, group, { member: current, request: { ...request, memberId } }, reply)
  }
  if (!request.memberIdRequired) return admit(context, group, { ...request, memberId }, reply)
  const forget = () => {
    if (forgetPending(group, memberId)) completeJoinIfAllJoined(context, group)
  }
  group.pendingJoins.set(memberId, context.scheduler.after(request.sessionTimeoutMs, forget))
  reply(failedJoin(KafkaError.MEMBER_ID_REQUIRED, memberId))
}

function admit(context: GroupContext, group: Group, request: JoinRequest, reply: JoinReply): void {
  forgetPending(group, request.memberId)
  const { memberId, groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols } = request
  const member = newMember({
    memberId,
    groupInstanceId,
    clientId,
    clientHost,
    rebalanceTimeoutMs,
    sessionTimeoutMs,
    protocols,
    assignment: noAssignment,
  })
  member.awaitingJoin = reply
  if (group.members.size === 0) group.protocolType = request.protocolType
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.joinedDuringDelay = true
  group.add(member)
  watchNewMember(context, group, member)
  rebalanceOrCompleteJoin(context, group)
}

interface Rejoin {
  member: Member
  request: JoinRequest
}

function rejoin(context: GroupContext, group: Group, { member, request }: Rejoin, reply: JoinReply): void {
  const isUnchanged = sameProtocols(member.protocols, request.protocols)
  const answerAtOnce =
    (group.state === 'CompletingRebalance' && isUnchanged) ||
    (group.state === 'Stable' && isUnchanged && !group.isLeader(member.memberId))
  if (answerAtOnce) {
    keepAlive(context, group, member)
    return reply(joinAnswer(group, member.memberId))
  }
  update(member, request, reply)
  rebalanceOrCompleteJoin(context, group)
}

/** A static member is back under a new id: the old id is fenced, its place and assignment are the new one's. */
function replaceStatic(context: GroupContext, group: Group, { member, request }: Rejoin, reply: JoinReply): void {
  const leaderBefore = group.leaderId ?? ''
  const protocolBefore = group.protocolName
  cancelJoin(member, KafkaError.FENCED_INSTANCE_ID)
  refuseSync(member, KafkaError.FENCED_INSTANCE_ID)
  group.rename(member, request.memberId)
  update(member, request, reply)
  keepAlive(context, group, member)
  if (group.state !== 'Stable') {
    if (group.state === 'CompletingRebalance') return prepareRebalance(context, group)
    return completeJoinIfAllJoined(context, group)
  }
  if (group.selectProtocol() !== protocolBefore) return prepareRebalance(context, group)
  const answer = joinAnswer(group, member.memberId)
  const isLeader = group.isLeader(member.memberId)
  context.save(group.facts(), () => {
    if (member.awaitingJoin !== reply) return
    member.awaitingJoin = undefined
    // Before v9 a returning leader is told of its old id as leader, so that it does not assign again (KIP-345).
    if (request.canSkipAssignment) reply({ ...answer, skipAssignment: isLeader })
    else reply({ ...answer, leader: leaderBefore, members: [] })
  })
}

function update(member: Member, request: JoinRequest, reply: JoinReply): void {
  cancelJoin(member, KafkaError.REBALANCE_IN_PROGRESS)
  member.protocols = request.protocols
  member.rebalanceTimeoutMs = request.rebalanceTimeoutMs
  member.sessionTimeoutMs = request.sessionTimeoutMs
  member.clientId = request.clientId
  member.clientHost = request.clientHost
  member.awaitingJoin = reply
}

function isFull({ settings }: GroupContext, group: Group, memberId: string): boolean {
  const member = group.members.get(memberId)
  if (group.state === 'Empty' || group.state === 'Dead') return false
  if (group.state !== 'PreparingRebalance') return member === undefined && group.members.size >= settings.maxSize
  return member?.awaitingJoin === undefined && group.awaitingJoinCount >= settings.maxSize
}

function forgetPending(group: Group, memberId: string): boolean {
  group.pendingJoins.get(memberId)?.cancel()
  return group.pendingJoins.delete(memberId)
}

/** A client that does not say (null) agrees with whatever the group has. */
function differs(said: string | null, actual: string | null): boolean {
  return said !== null && said !== actual
}
