import { KafkaError } from '@keyfold/protocol'
import type { Storage } from '@keyfold/storage'
import type { GroupFacts } from '../group-coordinator/group.ts'
import type { MemberIdentity } from '../group-coordinator/group-coordinator.ts'
import type { JoinReply, JoinRequest, SyncReply, SyncRequest } from '../group-coordinator/membership.ts'
import { failedSync } from '../group-coordinator/rebalance.ts'
import { failedJoin } from '../group-coordinator/session.ts'
import type { Scheduler } from '../scheduler.ts'
import type { AssignorName } from './assignor.ts'
import {
  classicAssignment,
  decideClassicJoin,
  downgraded,
  judgeClassicHeartbeat,
  judgeClassicSync,
  upgraded,
} from './classic-members.ts'
import { ConsumerGroup, type GroupChange } from './consumer-group.ts'
import type { ConsumerGroupRegister } from './consumer-group-register.ts'
import { awayEpoch, type ConsumerMember } from './consumer-member.ts'
import type { GroupSettingsStore } from './group-settings.ts'
import { decideHeartbeat, decideLeave, presentMember, removal } from './heartbeat.ts'
import { type HeartbeatRequest, type Refusal, requestProblem } from './heartbeat-request.ts'
import { MemberDeadlines } from './member-deadlines.ts'
import type { PartitionSet } from './partition-set.ts'
import type { Subscriptions } from './subscriptions.ts'
import { preferredAssignor } from './target-assignment.ts'

export interface ConsumerGroupCoordinatorParts {
  readonly scheduler: Scheduler
  readonly storage: Storage
  readonly register: ConsumerGroupRegister
  readonly groupSettings: GroupSettingsStore
  readonly subscriptions: Subscriptions
  readonly settings: { readonly maxSize: number; readonly assignorNames: readonly AssignorName[] }
  /** The journal entries by which an empty classic group ends; undefined while it is in use. */
  readonly releaseClassic: (groupId: string) => { kind: number; payload: Buffer }[] | undefined
  /** Whether groups in use may be taken to the consumer protocol, and back (`group.consumer.migration.policy`). */
  readonly migration: { readonly mayUpgrade: boolean; readonly mayDowngrade: boolean }
  /**
   * Takes a classic group in use over: what `convert` makes of it, and the entries by which it ends. Undefined if there
   * is none, or it cannot be converted; then it stays.
   */
  readonly upgradeClassic: (
    groupId: string,
    convert: (facts: GroupFacts) => GroupChange | undefined,
  ) => { readonly change: GroupChange; readonly entries: { kind: number; payload: Buffer }[] } | undefined
  /** Makes a classic group of what is left, together with the end of this one; returns the lsn to await. */
  readonly downgrade: (facts: GroupFacts, end: { kind: number; payload: Buffer }) => number
  /** False if the broker has as many groups as it may have. */
  readonly hasRoom: () => boolean
  readonly newUuid: () => string
}

export interface HeartbeatAnswer {
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** What the member may use; undefined if it knows. */
  readonly assigned: PartitionSet | undefined
  /** To be awaited before the answer is given. */
  readonly lsn: number
}

/** All groups of the consumer protocol: finds the group, journals what is decided, and watches the members' time. */
export class ConsumerGroupCoordinator {
  readonly #parts: ConsumerGroupCoordinatorParts
  readonly #deadlines = new Map<string, MemberDeadlines>()

  constructor(parts: ConsumerGroupCoordinatorParts) {
    this.#parts = parts
  }

  /** Starts to watch the members that the journal knows, once after recovery; all their time begins anew. */
  load(): void {
    for (const group of this.all()) for (const member of group.members.values()) this.#watch(group, member, undefined)
  }

  get size(): number {
    return this.#parts.register.size
  }

  get(groupId: string): ConsumerGroup | undefined {
    return this.#parts.register.get(groupId)
  }

  all(): ConsumerGroup[] {
    return this.#parts.register.all()
  }

  heartbeat(request: HeartbeatRequest): HeartbeatAnswer | Refusal {
    const { settings, register, newUuid } = this.#parts
    const problem = requestProblem(request, settings.assignorNames)
    if (problem !== undefined) return problem
    const present =
      register.get(request.groupId) ?? (request.memberEpoch === 0 ? this.#upgrade(request.groupId) : undefined)
    if (present === undefined && request.memberEpoch !== 0) {
      return notFound(`${request.memberEpoch > 0 ? 'Consumer group' : 'Group'} ${request.groupId} not found.`)
    }
    const group = present ?? new ConsumerGroup(request.groupId)
    if (request.memberEpoch < 0) return this.#leave(group, request)
    const memberId = request.memberId === '' ? newUuid() : request.memberId
    return this.#goOn(group, { ...request, memberId })
  }

  /** LeaveGroup: members by id or, for static ones, by instance id alone; undefined if there is no such group. */
  leave(
    groupId: string,
    leavers: readonly { memberId: string; groupInstanceId: string | null }[],
  ): KafkaError[] | undefined {
    const group = this.get(groupId)
    if (group === undefined) return undefined
    const gone = new Set<string>()
    const errors = leavers.map(({ memberId, groupInstanceId }) => {
      const byInstance = groupInstanceId === null ? undefined : group.staticMember(groupInstanceId)?.memberId
      const leaver = { memberId: memberId === '' ? (byInstance ?? '') : memberId, instanceId: groupInstanceId }
      const member = presentMember(group, leaver)
      if ('error' in member) return member.error
      gone.add(member.memberId)
      return KafkaError.NONE
    })
    if (gone.size > 0) this.#remove(group, [...gone])
    return errors
  }

  /** JoinGroup of a member of the classic protocol in a group of this one (online migration). */
  joinClassic(group: ConsumerGroup, request: JoinRequest, reply: JoinReply): void {
    const { subscriptions, settings, register, storage, newUuid } = this.#parts
    const isNew = request.memberId === ''
    const memberId = isNew ? `${request.groupInstanceId ?? request.clientId}-${newUuid()}` : request.memberId
    if (isNew && request.memberIdRequired && request.groupInstanceId === null) {
      return reply(failedJoin(KafkaError.MEMBER_ID_REQUIRED, memberId))
    }
    const fenced = isNew ? undefined : fencing(group, request)
    const world = { subscriptions, topics: subscriptions.topics, ...settings }
    const outcome = fenced ?? decideClassicJoin(group, { ...request, memberId }, world)
    if ('code' in outcome) return reply(failedJoin(outcome, request.memberId))
    const { change, member } = outcome
    const lsn = change === undefined ? group.lsn : register.change(change)
    for (const gone of change?.removed ?? []) this.#deadlines.get(group.groupId)?.forget(gone)
    group.checkedRevision = subscriptions.revision
    this.#watch(group, member, undefined)
    this.#deadlinesOf(group.groupId).expectRevocation(memberId, request.rebalanceTimeoutMs)
    const { memberEpoch: generationId } = member
    const protocolName = request.protocols[0]?.name ?? null
    const answer = { generationId, protocolType: request.protocolType, protocolName, leader: '', memberId, members: [] }
    // A failed sync ends the broker; nothing is answered then.
    void storage.durable(lsn).then(
      () => reply({ error: KafkaError.NONE, skipAssignment: false, ...answer }),
      () => {},
    )
  }

  syncClassic(group: ConsumerGroup, request: SyncRequest, reply: SyncReply): void {
    const member = judgeClassicSync(group, request)
    if ('code' in member) {
      if (member === KafkaError.REBALANCE_IN_PROGRESS) this.#expectRejoin(group, request.memberId)
      return reply(failedSync(member))
    }
    this.#watch(group, member, member)
    this.#deadlinesOf(group.groupId).endRevocation(member.memberId)
    const assignment = classicAssignment(member, this.#parts.subscriptions.topics)
    const protocolName = member.classic?.protocols[0]?.name ?? null
    reply({ error: KafkaError.NONE, protocolType: 'consumer', protocolName, assignment })
  }

  heartbeatClassic(group: ConsumerGroup, request: MemberIdentity): KafkaError {
    const member = judgeClassicHeartbeat(group, request)
    const error = 'code' in member ? member : KafkaError.NONE
    const present = group.members.get(request.memberId)
    const isAlive = error === KafkaError.NONE || error === KafkaError.REBALANCE_IN_PROGRESS
    if (isAlive && present !== undefined) this.#watch(group, present, present)
    if (error === KafkaError.REBALANCE_IN_PROGRESS) this.#expectRejoin(group, request.memberId)
    return error
  }

  /** The topics members subscribe to, by name; undefined if there is no such group. */
  subscribedTopics(groupId: string): Set<string> | undefined {
    const group = this.get(groupId)
    if (group === undefined) return undefined
    const topics = [...group.members.values()].flatMap((member) => this.#parts.subscriptions.topicsOf(member))
    return new Set(topics.map(({ name }) => name))
  }

  assignorOf(group: ConsumerGroup): AssignorName {
    return preferredAssignor(group.members.values(), this.#parts.settings.assignorNames)
  }

  /** Forgets an empty group; the caller journals the entry, so that it can go together with the group's offsets. */
  deletion(groupId: string): { kind: number; payload: Buffer } {
    this.#deadlines.get(groupId)?.forgetAll()
    this.#deadlines.delete(groupId)
    return this.#parts.register.deletion(groupId)
  }

  #goOn(group: ConsumerGroup, request: HeartbeatRequest): HeartbeatAnswer | Refusal {
    const { groupSettings, settings, subscriptions, register } = this.#parts
    const outcome = decideHeartbeat(group, request, { subscriptions, ...settings })
    if ('error' in outcome) return outcome
    const { change, member, isAssignmentDue } = outcome
    const before = group.members.get(member.memberId)
    if (change !== undefined) {
      const entries = this.get(group.groupId) === undefined ? this.#makeRoom(group.groupId) : []
      if (!Array.isArray(entries)) return entries
      register.change(change, entries)
      for (const memberId of change.removed) this.#deadlines.get(group.groupId)?.forget(memberId)
    }
    const changed = this.get(group.groupId) ?? group
    changed.checkedRevision = subscriptions.revision
    this.#watch(changed, member, before)
    return {
      memberId: member.memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs: groupSettings.number(group.groupId, 'consumer.heartbeat.interval.ms'),
      assigned: isAssignmentDue ? member.assigned : undefined,
      lsn: changed.lsn,
    }
  }

  #leave(group: ConsumerGroup, request: HeartbeatRequest): HeartbeatAnswer | Refusal {
    const change = decideLeave(group, request, this.#parts.subscriptions)
    if ('error' in change) return change
    const lsn = this.#apply(change)
    if (request.memberEpoch === awayEpoch) this.#deadlines.get(group.groupId)?.endRevocation(request.memberId)
    const { memberId, memberEpoch } = request
    return { memberId, memberEpoch, heartbeatIntervalMs: 0, assigned: undefined, lsn }
  }

  /** What has to be journaled before a group of this name can begin. */
  #makeRoom(groupId: string): { kind: number; payload: Buffer }[] | Refusal {
    const entries = this.#parts.releaseClassic(groupId)
    if (entries === undefined) return notFound(`Group ${groupId} is not a consumer group.`)
    if (entries.length > 0 || this.#parts.hasRoom()) return entries
    return {
      error: KafkaError.COORDINATOR_NOT_AVAILABLE,
      message: 'The broker keeps no more groups (keyfold.groups.max).',
    }
  }

  #watch(group: ConsumerGroup, member: ConsumerMember, before: ConsumerMember | undefined): void {
    const { memberId, rebalanceTimeoutMs, classic } = member
    const { groupId } = group
    const deadlines = this.#deadlinesOf(groupId)
    const ofGroup = this.#parts.groupSettings.number(groupId, 'consumer.session.timeout.ms')
    deadlines.keepAlive(memberId, classic?.sessionTimeoutMs ?? ofGroup)
    // A classic member has its time for joining and syncing instead.
    if (classic !== null) return
    if (member.state !== 'unrevoked') deadlines.endRevocation(memberId)
    else if (member.pendingRevocation !== before?.pendingRevocation) {
      deadlines.expectRevocation(memberId, rebalanceTimeoutMs)
    }
  }

  #deadlinesOf(groupId: string): MemberDeadlines {
    let deadlines = this.#deadlines.get(groupId)
    if (deadlines === undefined) {
      deadlines = new MemberDeadlines(this.#parts.scheduler, (memberId) => this.#expel(groupId, memberId))
      this.#deadlines.set(groupId, deadlines)
    }
    return deadlines
  }

  #expel(groupId: string, memberId: string): void {
    const group = this.get(groupId)
    if (group?.members.has(memberId) === true) this.#remove(group, [memberId])
  }

  #remove(group: ConsumerGroup, memberIds: string[]): void {
    this.#apply(removal(group, memberIds, this.#parts.subscriptions))
  }

  /** Returns the lsn to await. */
  #apply(change: GroupChange): number {
    const { register, migration, subscriptions, downgrade } = this.#parts
    const group = this.get(change.groupId)
    if (group !== undefined && migration.mayDowngrade && change.removed.length > 0) {
      const facts = downgraded(group, change, subscriptions.topics)
      if (facts !== undefined) return downgrade(facts, this.deletion(change.groupId))
    }
    const lsn = register.change(change)
    for (const memberId of change.removed) this.#deadlines.get(change.groupId)?.forget(memberId)
    return lsn
  }

  /** Takes a classic group in use over, as far as that may and can be. */
  #upgrade(groupId: string): ConsumerGroup | undefined {
    const { migration, upgradeClassic, subscriptions, register, settings } = this.#parts
    if (!migration.mayUpgrade) return undefined
    const outcome = upgradeClassic(groupId, (facts) =>
      facts.members.length > settings.maxSize ? undefined : upgraded(facts, subscriptions.topics),
    )
    if (outcome === undefined) return undefined
    register.change(outcome.change, outcome.entries)
    const group = register.get(groupId)
    for (const member of group?.members.values() ?? []) if (group) this.#watch(group, member, member)
    return group
  }

  /** A classic member has been told to join again. */
  #expectRejoin(group: ConsumerGroup, memberId: string): void {
    const member = group.members.get(memberId)
    if (member !== undefined) this.#deadlinesOf(group.groupId).expectRejoin(memberId, member.rebalanceTimeoutMs)
  }
}

function notFound(message: string): Refusal {
  return { error: KafkaError.GROUP_ID_NOT_FOUND, message }
}

/** Why a member that names itself may not be who it says: another one has its instance id by now. */
function fencing(group: ConsumerGroup, { memberId, groupInstanceId }: JoinRequest): KafkaError | undefined {
  const current = groupInstanceId === null ? undefined : group.staticMember(groupInstanceId)
  return current === undefined || current.memberId === memberId ? undefined : KafkaError.FENCED_INSTANCE_ID
}
