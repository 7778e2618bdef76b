import { KafkaError } from '@keyfold/protocol'
import type { Group } from './group.ts'
import type { GroupContext } from './group-context.ts'
import { type JoinAnswer, type Member, noAssignment, type SyncAnswer } from './member.ts'
import { cancelJoin, keepAlive, watchNewMember } from './session.ts'

/**
 * The rounds of a group: everybody joins, a generation begins, the leader assigns, the group is stable.
 * Reference for the rules: Kafka's ClassicGroup protocol, KIP-134 (initial delay), KIP-345 (static members).
 */

/** Starts a new round, or finishes the running one if nobody is missing any more. */
export function rebalanceOrCompleteJoin(context: GroupContext, group: Group): void {
  if (group.state === 'PreparingRebalance') completeJoinIfAllJoined(context, group)
  else prepareRebalance(context, group)
}

/** Calls everybody to rejoin. An empty group waits a little for more members, the others for those they know. */
export function prepareRebalance(context: GroupContext, group: Group): void {
  if (group.state === 'CompletingRebalance') refuseParkedSyncs(context, group)
  group.syncTimer?.cancel()
  group.syncTimer = undefined
  group.pendingSyncs.clear()
  const wasEmpty = group.state === 'Empty'
  group.transitionTo('PreparingRebalance')
  if (wasEmpty) {
    const delayMs = context.settings.initialRebalanceDelayMs
    group.joinedDuringDelay = false
    waitForMoreMembers(context, group, { delayMs, remainingMs: Math.max(group.rebalanceTimeoutMs - delayMs, 0) })
  } else if (group.allJoined) completeJoin(context, group)
  else scheduleJoinDeadline(context, group)
}

/** Ends the join phase early if all are there; the first round of an empty group always waits for its delay. */
export function completeJoinIfAllJoined(context: GroupContext, group: Group): void {
  if (group.state === 'PreparingRebalance' && group.allJoined && group.previousState !== 'Empty') {
    completeJoin(context, group)
  }
}

/** Takes the leader's assignment; everybody who waits for it is answered once it is durable. */
export function assign(context: GroupContext, group: Group, assignments: ReadonlyMap<string, Buffer>): void {
  const { generationId } = group
  const facts = group.facts()
  const members = facts.members.map((member) => ({
    ...member,
    assignment: assignments.get(member.memberId) ?? noAssignment,
  }))
  context.save({ ...facts, members }, () => {
    if (group.state !== 'CompletingRebalance' || group.generationId !== generationId) return
    for (const member of group.members.values()) member.assignment = assignments.get(member.memberId) ?? noAssignment
    group.transitionTo('Stable')
    for (const member of group.members.values()) answerSync(context, group, member)
  })
}

/** Gives a member of a stable group its assignment, and notes that it has it. */
export function answerSync(context: GroupContext, group: Group, member: Member): void {
  const reply = member.awaitingSync
  if (reply === undefined) return
  member.awaitingSync = undefined
  group.pendingSyncs.delete(member.memberId)
  if (group.pendingSyncs.size === 0) {
    group.syncTimer?.cancel()
    group.syncTimer = undefined
  }
  keepAlive(context, group, member)
  const { protocolType, protocolName } = group
  reply({ error: KafkaError.NONE, protocolType, protocolName, assignment: member.assignment })
}

/** Lets go of a member and whatever it waits for, then lets the others go on. */
export function removeMember(context: GroupContext, group: Group, member: Member): void {
  dismiss(group, member)
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') prepareRebalance(context, group)
  else completeJoinIfAllJoined(context, group)
}

/** Removes a member and answers what it has parked; the caller decides what follows for the group. */
export function dismiss(group: Group, member: Member): void {
  group.remove(member)
  // Without its id, as in Kafka: whoever is still there joins as a newcomer.
  cancelJoin(member, KafkaError.UNKNOWN_MEMBER_ID, '')
  refuseSync(member, KafkaError.UNKNOWN_MEMBER_ID)
}

export function refuseSync(member: Member, error: KafkaError): void {
  const reply = member.awaitingSync
  member.awaitingSync = undefined
  reply?.(failedSync(error))
}

export function failedSync(error: KafkaError): SyncAnswer {
  return { error, protocolType: null, protocolName: null, assignment: noAssignment }
}

/** The answer that tells a member where the present generation stands. */
export function joinAnswer(group: Group, memberId: string): JoinAnswer {
  const { generationId, protocolType, protocolName } = group
  return {
    error: KafkaError.NONE,
    generationId,
    protocolType,
    protocolName,
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId,
    members: group.isLeader(memberId) ? group.currentMembers() : [],
  }
}

function waitForMoreMembers(context: GroupContext, group: Group, wait: { delayMs: number; remainingMs: number }): void {
  group.joinTimer = context.scheduler.after(wait.delayMs, () => {
    if (!group.joinedDuringDelay || wait.remainingMs === 0) return completeJoin(context, group)
    group.joinedDuringDelay = false
    const delayMs = Math.min(context.settings.initialRebalanceDelayMs, wait.remainingMs)
    waitForMoreMembers(context, group, { delayMs, remainingMs: Math.max(wait.remainingMs - delayMs, 0) })
  })
}

function scheduleJoinDeadline(context: GroupContext, group: Group): void {
  group.joinTimer?.cancel()
  group.joinTimer = context.scheduler.after(group.rebalanceTimeoutMs, () => completeJoin(context, group))
}

function completeJoin(context: GroupContext, group: Group): void {
  group.joinTimer?.cancel()
  group.joinTimer = undefined
  for (const member of group.members.values()) {
    // Static members keep their place until their session ends (KIP-345).
    if (member.awaitingJoin === undefined && member.groupInstanceId === null) dismiss(group, member)
  }
  if (group.members.size > 0 && !electJoinedLeader(group)) return scheduleJoinDeadline(context, group)
  beginGeneration(context, group)
}

/** Someone who is present must lead. False if nobody has joined. */
function electJoinedLeader(group: Group): boolean {
  const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId)
  if (leader?.awaitingJoin !== undefined) return true
  for (const member of group.members.values()) {
    if (member.awaitingJoin === undefined) continue
    group.leaderId = member.memberId
    return true
  }
  return false
}

function beginGeneration(context: GroupContext, group: Group): void {
  group.generationId = group.generationId === maxInt32 ? 1 : group.generationId + 1
  group.pendingSyncs.clear()
  if (group.members.size === 0) {
    group.protocolName = null
    group.transitionTo('Empty')
    group.emptySinceMs = context.wallClock()
    group.noteSubscriptions()
    return context.save(group.facts())
  }
  group.protocolName = group.selectProtocol()
  group.noteSubscriptions()
  group.transitionTo('CompletingRebalance')
  for (const member of group.members.values()) {
    const reply = member.awaitingJoin
    member.awaitingJoin = undefined
    member.isNew = false
    group.pendingSyncs.add(member.memberId)
    keepAlive(context, group, member)
    reply?.(joinAnswer(group, member.memberId))
  }
  const { generationId } = group
  group.syncTimer = context.scheduler.after(group.rebalanceTimeoutMs, () => expelSilent(context, group, generationId))
}

/** Whoever knows the generation but never asked for its assignment goes, and the others start over. */
function expelSilent(context: GroupContext, group: Group, generationId: number): void {
  if (group.generationId !== generationId || group.pendingSyncs.size === 0) return
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return
  for (const memberId of group.pendingSyncs) {
    const member = group.members.get(memberId)
    if (member !== undefined) dismiss(group, member)
  }
  prepareRebalance(context, group)
}

function refuseParkedSyncs(context: GroupContext, group: Group): void {
  for (const member of group.members.values()) {
    member.assignment = noAssignment
    if (member.awaitingSync === undefined) continue
    refuseSync(member, KafkaError.REBALANCE_IN_PROGRESS)
    if (member.isNew) watchNewMember(context, group, member)
    else keepAlive(context, group, member)
  }
}

const maxInt32 = 0x7fff_ffff
