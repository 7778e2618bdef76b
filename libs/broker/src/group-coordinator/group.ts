import { consumerProtocolType, subscribedTopicsOf } from './consumer-protocol.ts'
import { type JoinAnswer, type Member, type MemberFacts, type MemberProtocol, newMember } from './member.ts'
import type { ScheduledTask } from '../scheduler.ts'

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

/** From which states a group may enter each state; everything else is a fault of the coordinator. */
const allowedFrom: Record<GroupState, readonly GroupState[]> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead'],
}

/** What stays of a group in the journal. */
export interface GroupFacts {
  groupId: string
  generationId: number
  protocolType: string | null
  protocolName: string | null
  leaderId: string | null
  members: readonly MemberFacts[]
  /** Wall-clock time since when the group is empty; only while it is. */
  emptySinceMs?: number
}

/**
 * One classic group: who is in it, in which state and generation, and under which protocol. It knows no time and sends
 * nothing; membership.ts and rebalance.ts move it.
 */
export class Group {
  readonly groupId: string
  readonly members = new Map<string, Member>()
  /** group.instance.id → member id, for static members (KIP-345). */
  readonly staticMembers = new Map<string, string>()
  /** Ids given out by MEMBER_ID_REQUIRED whose owners have not come back yet, with the timer that forgets them. */
  readonly pendingJoins = new Map<string, ScheduledTask>()
  /** Members that know the generation but have not asked for their assignment. */
  readonly pendingSyncs = new Set<string>()
  generationId = 0
  protocolType: string | null = null
  protocolName: string | null = null
  leaderId: string | null = null
  /** Set while the first rebalance of an empty group collects members: somebody joined since the last look. */
  joinedDuringDelay = false
  /** The timer of the running join phase. */
  joinTimer: ScheduledTask | undefined
  /** The timer that expels members which do not sync. */
  syncTimer: ScheduledTask | undefined
  /** Wall-clock time since when the group is empty: offsets expire from here. */
  emptySinceMs: number
  #subscribedTopics: ReadonlySet<string> | undefined = new Set()
  #state: GroupState = 'Empty'
  #previousState: GroupState = 'Empty'

  constructor(groupId: string, nowMs: number) {
    this.groupId = groupId
    this.emptySinceMs = nowMs
  }

  get state(): GroupState {
    return this.#state
  }

  /** The state before the last transition. */
  get previousState(): GroupState {
    return this.#previousState
  }

  transitionTo(state: GroupState): void {
    if (!allowedFrom[state].includes(this.#state)) {
      throw new Error(`Group ${this.groupId} cannot go from ${this.#state} to ${state}`)
    }
    this.#previousState = this.#state
    this.#state = state
  }

  /** Puts a group back as the journal has it: stable if it had members. */
  restore(facts: GroupFacts): void {
    this.generationId = facts.generationId
    this.protocolType = facts.protocolType
    this.protocolName = facts.protocolName
    this.leaderId = facts.leaderId
    this.members.clear()
    this.staticMembers.clear()
    for (const member of facts.members) this.add({ ...newMember(member), isNew: false })
    this.leaderId = facts.leaderId
    if (facts.emptySinceMs !== undefined) this.emptySinceMs = facts.emptySinceMs
    this.#previousState = 'Empty'
    this.#state = facts.members.length === 0 ? 'Empty' : 'Stable'
    this.noteSubscriptions()
  }

  facts(): GroupFacts {
    return {
      groupId: this.groupId,
      generationId: this.generationId,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      leaderId: this.leaderId,
      members: [...this.members.values()],
      ...(this.members.size === 0 ? { emptySinceMs: this.emptySinceMs } : {}),
    }
  }

  /** Adds a member; the first one becomes the leader. */
  add(member: Member): void {
    if (member.groupInstanceId !== null) this.staticMembers.set(member.groupInstanceId, member.memberId)
    this.members.set(member.memberId, member)
    this.leaderId ??= member.memberId
  }

  /** Removes a member; if it led, the longest-standing one leads from now on. */
  remove(member: Member): void {
    this.members.delete(member.memberId)
    this.pendingSyncs.delete(member.memberId)
    const { groupInstanceId } = member
    if (groupInstanceId !== null && this.staticMembers.get(groupInstanceId) === member.memberId) {
      this.staticMembers.delete(groupInstanceId)
    }
    if (this.leaderId === member.memberId) this.leaderId = this.members.keys().next().value ?? null
  }

  /** Gives a static member a new id in its old place (and leadership), keeping everything else. */
  rename(member: Member, memberId: string): void {
    const others = [...this.members.values()]
    const wasLeader = this.leaderId === member.memberId
    const wasPendingSync = this.pendingSyncs.delete(member.memberId)
    this.members.clear()
    const oldId = member.memberId
    member.memberId = memberId
    for (const each of others) this.members.set(each.memberId, each)
    if (wasLeader) this.leaderId = memberId
    if (wasPendingSync) this.pendingSyncs.add(memberId)
    if (member.groupInstanceId !== null) this.staticMembers.set(member.groupInstanceId, memberId)
    if (this.members.size !== others.length) throw new Error(`Member id ${memberId} of ${oldId} is taken`)
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId
  }

  hasMemberId(memberId: string): boolean {
    return this.members.has(memberId)
  }

  get awaitingJoinCount(): number {
    let count = 0
    for (const member of this.members.values()) if (member.awaitingJoin !== undefined) count++
    return count
  }

  /** True if nobody the group knows of is still to send its JoinGroup. */
  get allJoined(): boolean {
    return this.pendingJoins.size === 0 && this.awaitingJoinCount === this.members.size
  }

  /** The longest time any member asked to be given for rejoining. */
  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const member of this.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs)
    return longest
  }

  /** True if a member offering these could be served together with all present ones. */
  supports(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (protocolType === '' || protocols.length === 0) return false
    if (this.members.size === 0) return true
    const common = this.#commonProtocols()
    return this.protocolType === protocolType && protocols.some(({ name }) => common.has(name))
  }

  /** The protocol that most members prefer among those all of them support; a tie goes to the first voter's choice. */
  selectProtocol(): string {
    const common = this.#commonProtocols()
    const votes = new Map<string, number>()
    for (const member of this.members.values()) {
      const vote = member.protocols.find(({ name }) => common.has(name))
      if (vote === undefined) throw new Error(`Member ${member.memberId} supports none of the group's protocols`)
      votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1)
    }
    let winner: [string, number] | undefined
    for (const entry of votes) if (winner === undefined || entry[1] > winner[1]) winner = entry
    if (winner === undefined) throw new Error(`Group ${this.groupId} has no member to choose a protocol`)
    return winner[0]
  }

  /** What the leader needs to assign: every member's metadata for the chosen protocol. */
  currentMembers(): JoinAnswer['members'] {
    return Array.from(this.members.values(), (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: this.chosenMetadata(member),
    }))
  }

  chosenMetadata(member: Member): Buffer {
    return member.protocols.find(({ name }) => name === this.protocolName)?.metadata ?? Buffer.alloc(0)
  }

  /**
   * The topics that the members of the present generation subscribe to, undefined if that cannot be told (another
   * protocol type, foreign metadata): then every topic counts as subscribed.
   */
  get subscribedTopics(): ReadonlySet<string> | undefined {
    return this.#subscribedTopics
  }

  /** A generation has begun: what members say from now on counts in the next one. */
  noteSubscriptions(): void {
    this.#subscribedTopics = this.#topicsOfMembers()
  }

  #topicsOfMembers(): ReadonlySet<string> | undefined {
    if (this.members.size === 0) return new Set()
    if (this.protocolType !== consumerProtocolType || this.protocolName === null) return undefined
    const topics = new Set<string>()
    for (const member of this.members.values()) {
      const subscribed = subscribedTopicsOf(this.chosenMetadata(member))
      if (subscribed === undefined) return undefined
      for (const topic of subscribed) topics.add(topic)
    }
    return topics
  }

  #commonProtocols(): Set<string> {
    let common: Set<string> | undefined
    for (const { protocols } of this.members.values()) {
      const names = new Set(protocols.map(({ name }) => name))
      common = common === undefined ? names : common.intersection(names)
    }
    return common ?? new Set()
  }
}
