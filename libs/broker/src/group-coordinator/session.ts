import type { KafkaError } from '@keyfold/protocol'
import type { Group } from './group.ts'
import { type GroupContext, newMemberJoinTimeoutMs } from './group-context.ts'
import type { JoinAnswer, Member } from './member.ts'

/**
 * Sessions: a member lives as long as it gives signs of life (JoinGroup, SyncGroup, Heartbeat, OffsetCommit) or has a
 * request parked with us. Signs of life are frequent, so they only move a number; the timer looks at it when it fires.
 */

/** Notes a sign of life. */
export function keepAlive(context: GroupContext, group: Group, member: Member): void {
  extendTo(context, group, member, context.scheduler.now() + member.sessionTimeoutMs)
}

/** A first-time joiner cannot give signs of life while its JoinGroup is parked: it gets a longer, fixed time. */
export function watchNewMember(context: GroupContext, group: Group, member: Member): void {
  extendTo(context, group, member, context.scheduler.now() + newMemberJoinTimeoutMs)
}

/** Answers a parked JoinGroup, if there is one, with an error. */
export function cancelJoin(member: Member, error: KafkaError, memberId: string = member.memberId): void {
  const reply = member.awaitingJoin
  member.awaitingJoin = undefined
  reply?.(failedJoin(error, memberId))
}

export function failedJoin(error: KafkaError, memberId: string): JoinAnswer {
  return {
    error,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

function extendTo(context: GroupContext, group: Group, member: Member, deadlineMs: number): void {
  member.sessionDeadlineMs = deadlineMs
  const timer = member.sessionTimer
  if (timer !== undefined && timer.dueMs <= deadlineMs) return
  timer?.task.cancel()
  setTimer(context, group, member)
}

function setTimer(context: GroupContext, group: Group, member: Member): void {
  const dueMs = member.sessionDeadlineMs
  const task = context.scheduler.after(dueMs - context.scheduler.now(), () => {
    member.sessionTimer = undefined
    if (group.members.get(member.memberId) !== member) return
    const isParked = member.awaitingJoin !== undefined || member.awaitingSync !== undefined
    if (isParked && !member.isNew) keepAlive(context, group, member)
    else if (context.scheduler.now() < member.sessionDeadlineMs) setTimer(context, group, member)
    else context.expire(group, member)
  })
  member.sessionTimer = { dueMs, task }
}
