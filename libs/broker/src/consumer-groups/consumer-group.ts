import {
  awayEpoch,
  type ConsumerMember,
  fromStoredMember,
  storedMember,
  type StoredConsumerMember,
} from './consumer-member.ts'
import { noPartitions, type PartitionList, partitionList, type PartitionSet, partitionSet } from './partition-set.ts'

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

/** What one journal entry changes in a group; what it does not name stays as it is. */
export interface GroupChange {
  readonly groupId: string
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  /** Ids of members that are gone, taken out before `members` come in. */
  readonly removed: readonly string[]
  readonly members: readonly ConsumerMember[]
  readonly targets: ReadonlyMap<string, PartitionSet>
  /** Partition counts by topic id that the target was made from; left out if they are still the same. */
  readonly topics?: ReadonlyMap<string, number>
}

/** A change as the journal has it. */
export interface StoredGroupChange {
  groupId: string
  groupEpoch: number
  assignmentEpoch: number
  removed: readonly string[]
  members: StoredConsumerMember[]
  targets: [memberId: string, PartitionList][]
  topics?: [topicId: string, partitionCount: number][]
}

/**
 * One group of the consumer protocol (KIP-848): its epochs, its members, and the target each of them is led to. It
 * changes only by `apply`, live and on recovery. No partition ever has two holders.
 */
export class ConsumerGroup {
  readonly groupId: string
  readonly #members = new Map<string, ConsumerMember>()
  readonly #instances = new Map<string, string>()
  readonly #targets = new Map<string, PartitionSet>()
  readonly #holders = new Map<string, Map<number, string>>()
  #groupEpoch = 1
  #assignmentEpoch = 0
  #topics: ReadonlyMap<string, number> = new Map()
  #lsn = 0
  /** Which state of the topic catalog the group was last compared with; not part of its state. */
  checkedRevision = -1

  constructor(groupId: string) {
    this.groupId = groupId
  }

  /** Grows with every change of membership, subscriptions or topics. */
  get groupEpoch(): number {
    return this.#groupEpoch
  }

  /** The group epoch that the targets were computed for. */
  get assignmentEpoch(): number {
    return this.#assignmentEpoch
  }

  get members(): ReadonlyMap<string, ConsumerMember> {
    return this.#members
  }

  /** Partition counts of the subscribed topics that the targets were computed from. */
  get topics(): ReadonlyMap<string, number> {
    return this.#topics
  }

  /** The journal entry of the last change: answers about the group wait for it. */
  get lsn(): number {
    return this.#lsn
  }

  get state(): ConsumerGroupState {
    if (this.#members.size === 0) return 'Empty'
    if (this.#groupEpoch > this.#assignmentEpoch) return 'Assigning'
    for (const { state, memberEpoch } of this.#members.values()) {
      if (state !== 'stable' || memberEpoch !== this.#assignmentEpoch) return 'Reconciling'
    }
    return 'Stable'
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    const memberId = this.#instances.get(instanceId)
    return memberId === undefined ? undefined : this.#members.get(memberId)
  }

  targetOf(memberId: string): PartitionSet {
    return this.#targets.get(memberId) ?? noPartitions
  }

  /** Who has a partition, or has not confirmed that it gave it up. */
  holderOf(topicId: string, partition: number): string | undefined {
    return this.#holders.get(topicId)?.get(partition)
  }

  apply(stored: StoredGroupChange, lsn: number): void {
    this.#groupEpoch = stored.groupEpoch
    this.#assignmentEpoch = stored.assignmentEpoch
    if (stored.topics !== undefined) this.#topics = new Map(stored.topics)
    for (const memberId of stored.removed) this.#remove(memberId)
    const members = stored.members.map(fromStoredMember)
    // All let go before anybody takes.
    for (const { memberId } of members) this.#release(memberId)
    for (const member of members) this.#put(member)
    for (const [memberId, target] of stored.targets) this.#targets.set(memberId, partitionSet(target))
    this.#lsn = lsn
  }

  /** Everything, as one change to a new group. */
  facts(): StoredGroupChange {
    return storedChange({
      groupId: this.groupId,
      groupEpoch: this.#groupEpoch,
      assignmentEpoch: this.#assignmentEpoch,
      removed: [],
      members: [...this.#members.values()],
      targets: this.#targets,
      topics: this.#topics,
    })
  }

  #put(member: ConsumerMember): void {
    const { memberId, instanceId } = member
    this.#members.set(memberId, member)
    if (instanceId !== null) this.#instances.set(instanceId, memberId)
    for (const set of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, partitions] of set) {
        let holders = this.#holders.get(topicId)
        if (holders === undefined) this.#holders.set(topicId, (holders = new Map()))
        for (const partition of partitions) {
          const holder = holders.get(partition)
          if (holder !== undefined)
            throw new Error(`${topicId}-${partition} of ${this.groupId} has a holder: ${holder}`)
          holders.set(partition, memberId)
        }
      }
    }
  }

  #remove(memberId: string): void {
    this.#release(memberId)
    const instanceId = this.#members.get(memberId)?.instanceId ?? null
    if (instanceId !== null && this.#instances.get(instanceId) === memberId) this.#instances.delete(instanceId)
    this.#members.delete(memberId)
    this.#targets.delete(memberId)
  }

  #release(memberId: string): void {
    const member = this.#members.get(memberId)
    if (member === undefined) return
    for (const set of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, partitions] of set) {
        const holders = this.#holders.get(topicId)
        for (const partition of partitions) holders?.delete(partition)
        if (holders?.size === 0) this.#holders.delete(topicId)
      }
    }
  }
}

/** True for a static member that left with the promise to be back. */
export function isAway(member: ConsumerMember): boolean {
  return member.memberEpoch === awayEpoch
}

export function storedChange({ members, targets, topics, ...rest }: GroupChange): StoredGroupChange {
  return {
    ...rest,
    members: members.map(storedMember),
    targets: Array.from(targets, ([memberId, target]) => [memberId, partitionList(target)]),
    ...(topics === undefined ? {} : { topics: [...topics] }),
  }
}
