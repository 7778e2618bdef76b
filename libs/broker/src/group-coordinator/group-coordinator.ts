import { KafkaError } from '@keyfold/protocol'
import type { Storage } from '@keyfold/storage'
import type { ConsumerGroup } from '../consumer-groups/consumer-group.ts'
import type { ConsumerGroupCoordinator } from '../consumer-groups/consumer-group-coordinator.ts'
import { validateMemberCommit } from '../consumer-groups/offset-access.ts'
import type { Scheduler } from '../scheduler.ts'
import { consumerProtocolType } from './consumer-protocol.ts'
import { Group, type GroupFacts } from './group.ts'
import type { GroupContext, GroupSettings } from './group-context.ts'
import type { GroupRegister } from './group-register.ts'
import {
  heartbeat,
  join,
  type JoinReply,
  type JoinRequest,
  leave,
  sync,
  type SyncReply,
  type SyncRequest,
} from './membership.ts'
import type { OffsetEntry, OffsetStore, TopicPartition } from './offsets.ts'
import { type CommitRequest, validateCommit } from './offset-commit.ts'
import { failedSync, prepareRebalance, refuseSync, removeMember } from './rebalance.ts'
import { cancelJoin, failedJoin, keepAlive } from './session.ts'

export interface GroupCoordinatorParts {
  scheduler: Scheduler
  storage: Storage
  register: GroupRegister
  offsets: OffsetStore
  /** The groups of the other protocol, which share the names and the offsets with these (KIP-848). */
  consumerGroups: ConsumerGroupCoordinator
  settings: GroupSettings & { readonly groupsMax: number; readonly offsetsRetentionMs: number }
  /** True while a running transaction may change offsets of the group. */
  readonly hasPendingOffsets: (groupId: string) => boolean
  readonly wallClock: () => number
  readonly newUuid: () => string
}

export interface MemberIdentity {
  groupId: string
  memberId: string
  groupInstanceId: string | null
  generationId: number
}

/**
 * All classic groups of the broker: finds the group a request is about, checks what does not depend on its state and
 * leaves the rest to the state machines. What concerns groups of both protocols (offsets, deletion) begins here, too.
 */
export class GroupCoordinator {
  readonly #parts: GroupCoordinatorParts
  readonly #groups = new Map<string, Group>()
  readonly #context: GroupContext

  constructor(parts: GroupCoordinatorParts) {
    this.#parts = parts
    this.#context = {
      scheduler: parts.scheduler,
      settings: parts.settings,
      wallClock: () => parts.wallClock(),
      newUuid: () => parts.newUuid(),
      save: (facts, whenDurable) => this.#save(facts, whenDurable),
      expire: (group, member) => removeMember(this.#context, group, member),
    }
  }

  /** Takes over the groups that the journal knows, once after recovery; sessions begin anew. */
  load(): void {
    for (const facts of this.#parts.register.all()) {
      const group = this.#create(facts.groupId)
      group.restore(facts)
      for (const member of group.members.values()) keepAlive(this.#context, group, member)
    }
    for (const groupId of this.#parts.offsets.groupIds()) {
      if (this.#parts.consumerGroups.get(groupId) === undefined) this.#getOrCreate(groupId)
    }
  }

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  all(): Group[] {
    return [...this.#groups.values()]
  }

  get hasRoom(): boolean {
    return this.#groups.size + this.#parts.consumerGroups.size < this.#parts.settings.groupsMax
  }

  /** Gives an empty group up to the consumer protocol: the entries that forget it here, undefined while it is in use. */
  release(groupId: string): { kind: number; payload: Buffer }[] | undefined {
    const group = this.#groups.get(groupId)
    if (group === undefined) return []
    if (group.state !== 'Empty') return undefined
    this.#drop(group)
    return [this.#parts.register.deletion(groupId)]
  }

  /** Gives a group in use up to the consumer protocol, if `convert` can take it as it is: whoever waits joins again. */
  upgrade<T>(groupId: string, convert: (facts: GroupFacts) => T | undefined) {
    const group = this.#groups.get(groupId)
    if (group === undefined || group.state === 'Empty' || group.protocolType !== consumerProtocolType) return undefined
    const change = convert(group.facts())
    if (change === undefined) return undefined
    group.joinTimer?.cancel()
    group.syncTimer?.cancel()
    for (const member of group.members.values()) {
      member.sessionTimer?.task.cancel()
      cancelJoin(member, KafkaError.REBALANCE_IN_PROGRESS)
      refuseSync(member, KafkaError.REBALANCE_IN_PROGRESS)
    }
    this.#drop(group)
    return { change, entries: [this.#parts.register.deletion(groupId)] }
  }

  /** Takes a group over from the consumer protocol, with its last members; they are to join again. */
  downgrade(facts: GroupFacts, end: { kind: number; payload: Buffer }): number {
    const { storage, register } = this.#parts
    const group = this.#create(facts.groupId)
    group.restore(facts)
    group.restore({ ...facts, protocolName: group.selectProtocol() })
    const lsn = storage.appendAtomic([end, register.entry(group.facts())])
    for (const member of group.members.values()) keepAlive(this.#context, group, member)
    prepareRebalance(this.#context, group)
    return lsn
  }

  join(request: JoinRequest, reply: JoinReply): void {
    const refuse = (error: KafkaError) => reply(failedJoin(error, request.memberId))
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#parts.settings
    if (request.groupId === '') return refuse(KafkaError.INVALID_GROUP_ID)
    if (request.sessionTimeoutMs < minSessionTimeoutMs || request.sessionTimeoutMs > maxSessionTimeoutMs) {
      return refuse(KafkaError.INVALID_SESSION_TIMEOUT)
    }
    const other = this.#parts.consumerGroups.get(request.groupId)
    if (other !== undefined && other.state !== 'Empty') {
      return this.#parts.consumerGroups.joinClassic(other, request, reply)
    }
    if (other !== undefined) this.#takeOver(request)
    const known = this.#groups.get(request.groupId)
    const group = known ?? (request.memberId === '' ? this.#getOrCreate(request.groupId) : undefined)
    // As in Kafka, whoever comes first makes the group, and a restart in the middle of the first round leaves it empty.
    if (group !== undefined && known === undefined) this.#parts.register.save(group.facts())
    if (group !== undefined) return join(this.#context, group, request, reply)
    // Without a member id only the bound on groups stands in the way.
    return refuse(request.memberId === '' ? KafkaError.COORDINATOR_NOT_AVAILABLE : KafkaError.UNKNOWN_MEMBER_ID)
  }

  sync(request: SyncRequest, reply: SyncReply): void {
    // There may be a group of that name: anybody may commit offsets to it, but nobody can be a member.
    if (request.groupId === '') return reply(failedSync(KafkaError.INVALID_GROUP_ID))
    const group = this.#groups.get(request.groupId)
    if (group !== undefined) return sync(this.#context, group, request, reply)
    const other = this.#parts.consumerGroups.get(request.groupId)
    if (other !== undefined) return this.#parts.consumerGroups.syncClassic(other, request, reply)
    reply(failedSync(KafkaError.UNKNOWN_MEMBER_ID))
  }

  heartbeat(request: MemberIdentity): KafkaError {
    if (request.groupId === '') return KafkaError.INVALID_GROUP_ID
    const group = this.#groups.get(request.groupId)
    if (group !== undefined) return heartbeat(this.#context, group, request)
    const other = this.#parts.consumerGroups.get(request.groupId)
    if (other !== undefined) return this.#parts.consumerGroups.heartbeatClassic(other, request)
    return KafkaError.UNKNOWN_MEMBER_ID
  }

  /** One error per leaver, in order; undefined if there is no such group. */
  leave(
    groupId: string,
    leavers: readonly { memberId: string; groupInstanceId: string | null }[],
  ): KafkaError[] | undefined {
    const group = this.#groups.get(groupId)
    return group === undefined
      ? this.#parts.consumerGroups.leave(groupId, leavers)
      : leave(this.#context, group, leavers)
  }

  /** Whether a commit (also one inside a transaction) may be accepted; if so it counts as a sign of life. */
  checkCommit(request: CommitRequest): KafkaError {
    const consumerGroup = this.#parts.consumerGroups.get(request.groupId)
    if (consumerGroup !== undefined) return validateMemberCommit(consumerGroup, request)
    let group = this.#groups.get(request.groupId)
    if (group === undefined) {
      if (request.generationId >= 0) {
        return request.answersUnknownGroup ? KafkaError.GROUP_ID_NOT_FOUND : KafkaError.ILLEGAL_GENERATION
      }
      group = this.#getOrCreate(request.groupId)
    }
    if (group === undefined) return KafkaError.COORDINATOR_NOT_AVAILABLE
    const error = validateCommit(group, request)
    const member = error === KafkaError.NONE ? group.members.get(request.memberId) : undefined
    if (member !== undefined) keepAlive(this.#context, group, member)
    return error
  }

  /** Stores offsets of a checked commit; returns the lsn to await. */
  commit(groupId: string, entries: readonly OffsetEntry[]): number {
    return this.#parts.offsets.commit(groupId, entries)
  }

  /** Forgets an empty group with its offsets. `lsn` is to be awaited when the error is NONE. */
  delete(groupId: string): { error: KafkaError; lsn: number } {
    const group = this.#groups.get(groupId) ?? this.#parts.consumerGroups.get(groupId)
    if (group === undefined) return { error: KafkaError.GROUP_ID_NOT_FOUND, lsn: 0 }
    if (group.state !== 'Empty') return { error: KafkaError.NON_EMPTY_GROUP, lsn: 0 }
    return { error: KafkaError.NONE, lsn: this.#forget(groupId) }
  }

  /** Forgets offsets of a group, except in topics that members subscribe to. */
  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): DeletedOffsets {
    const group = this.#groups.get(groupId)
    const consumerTopics = this.#parts.consumerGroups.subscribedTopics(groupId)
    if (group === undefined && consumerTopics === undefined) {
      return { error: KafkaError.GROUP_ID_NOT_FOUND, refused: new Set(), lsn: 0 }
    }
    const subscribed = consumerTopics ?? group?.subscribedTopics
    const isOpaque = group !== undefined && group.state !== 'Empty' && group.protocolType !== consumerProtocolType
    if (isOpaque) return { error: KafkaError.NON_EMPTY_GROUP, refused: new Set(), lsn: 0 }
    const refused = new Set(partitions.map(({ topic }) => topic).filter((topic) => subscribed?.has(topic) ?? true))
    const allowed = partitions.filter(({ topic }) => !refused.has(topic))
    const lsn = allowed.length === 0 ? 0 : this.#parts.offsets.delete(groupId, allowed)
    return { error: KafkaError.NONE, refused, lsn }
  }

  /**
   * Forgets offsets whose time is over and groups that have nothing left (statement 67). Of a group in use only topics
   * that nobody subscribes to can expire.
   */
  expireOffsets(): void {
    const nowMs = this.#parts.wallClock()
    for (const group of [...this.all(), ...this.#parts.consumerGroups.all()]) {
      const { groupId } = group
      if (this.#parts.hasPendingOffsets(groupId)) continue
      const expired = this.#expiredOffsets(group, nowMs)
      if (expired.length > 0) this.#parts.offsets.delete(groupId, expired)
      const isJoining = group instanceof Group && group.pendingJoins.size > 0
      if (group.state === 'Empty' && !isJoining && !this.#parts.offsets.has(groupId)) this.#forget(groupId)
    }
  }

  #expiredOffsets(group: Group | ConsumerGroup, nowMs: number): OffsetEntry[] {
    const isClassic = group instanceof Group
    if (isClassic && group.state !== 'Empty' && group.state !== 'Stable') return []
    const subscribed = isClassic ? group.subscribedTopics : this.#parts.consumerGroups.subscribedTopics(group.groupId)
    if (subscribed === undefined) return []
    const retentionMs = this.#parts.settings.offsetsRetentionMs
    // Groups without members count from when they became empty; simple consumers, which never had any, and groups of
    // the consumer protocol from the commit.
    const isLeft = isClassic && group.state === 'Empty' && group.protocolType !== null
    const emptySinceMs = isLeft ? group.emptySinceMs : 0
    return this.#parts.offsets.ofGroup(group.groupId).filter((entry) => {
      if (subscribed.has(entry.topic)) return false
      if (entry.expireTimestampMs >= 0) return entry.expireTimestampMs <= nowMs
      return Math.max(entry.timestampMs, emptySinceMs) + retentionMs <= nowMs
    })
  }

  /** Makes way for a classic member in an empty group of the consumer protocol. */
  #takeOver({ groupId, memberId }: JoinRequest): void {
    const { consumerGroups, storage } = this.#parts
    if (memberId === '') storage.appendAtomic([consumerGroups.deletion(groupId)])
  }

  #forget(groupId: string): number {
    const { storage, offsets, register, consumerGroups } = this.#parts
    const group = this.#groups.get(groupId)
    if (group !== undefined) this.#drop(group)
    const end = group === undefined ? consumerGroups.deletion(groupId) : register.deletion(groupId)
    return storage.appendAtomic([offsets.deletionOfGroup(groupId), end])
  }

  #drop(group: Group): void {
    group.transitionTo('Dead')
    for (const timer of group.pendingJoins.values()) timer.cancel()
    group.pendingJoins.clear()
    this.#groups.delete(group.groupId)
  }

  #save(facts: GroupFacts, whenDurable: (() => void) | undefined): void {
    const lsn = this.#parts.register.save(facts)
    // A failed sync ends the broker; nothing is answered then.
    if (whenDurable !== undefined) void this.#parts.storage.durable(lsn).then(whenDurable, () => {})
  }

  #getOrCreate(groupId: string): Group | undefined {
    const group = this.#groups.get(groupId)
    if (group !== undefined) return group
    return this.hasRoom ? this.#create(groupId) : undefined
  }

  #create(groupId: string): Group {
    const group = new Group(groupId, this.#parts.wallClock())
    this.#groups.set(groupId, group)
    return group
  }
}

export interface DeletedOffsets {
  error: KafkaError
  /** Topics whose offsets stay because members subscribe to them. */
  refused: ReadonlySet<string>
  lsn: number
}
