import { KafkaError } from '@keyfold/protocol'
import type { Storage } from '@keyfold/storage'
import type { Scheduler } from '../scheduler.ts'
import type { AssignorName } from './assignor.ts'
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
    const present = register.get(request.groupId)
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
    const change = decideLeave(group, request)
    if ('error' in change) return change
    this.#apply(change)
    if (request.memberEpoch === awayEpoch) this.#deadlines.get(group.groupId)?.endRevocation(request.memberId)
    const { memberId, memberEpoch } = request
    return { memberId, memberEpoch, heartbeatIntervalMs: 0, assigned: undefined, lsn: group.lsn }
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
    const { memberId, rebalanceTimeoutMs } = member
    const { groupId } = group
    const deadlines = this.#deadlinesOf(groupId)
    deadlines.keepAlive(memberId, this.#parts.groupSettings.number(groupId, 'consumer.session.timeout.ms'))
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
    this.#apply(removal(group, memberIds))
  }

  #apply(change: GroupChange): void {
    this.#parts.register.change(change)
    for (const memberId of change.removed) this.#deadlines.get(change.groupId)?.forget(memberId)
  }
}

function notFound(message: string): Refusal {
  return { error: KafkaError.GROUP_ID_NOT_FOUND, message }
}
