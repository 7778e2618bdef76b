import {
  fromHeldSinceList,
  type HeldSince,
  heldNothing,
  heldSince,
  heldSinceList,
  type HeldSinceList,
} from './held-since.ts'
import {
  noPartitions,
  type PartitionList,
  partitionList,
  type PartitionSet,
  partitionSet,
  union,
} from './partition-set.ts'

/**
 * Where a member stands on its way to its target: there (`stable`), giving up partitions first (`unrevoked`), or
 * waiting for partitions that others still have to give up (`unreleased`).
 */
export type MemberState = 'stable' | 'unrevoked' | 'unreleased'

/** What the coordinator has to know of a member that speaks the classic protocol (online migration, KIP-848). */
export interface ClassicFacts {
  readonly sessionTimeoutMs: number
  /** What it offers, metadata in base64. */
  readonly protocols: readonly { readonly name: string; readonly metadata: string }[]
}

/** One consumer of a group of the consumer protocol (KIP-848). Never changed in place: a change makes a new one. */
export interface ConsumerMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicNames: readonly string[]
  /** Empty for none. */
  readonly subscribedTopicRegex: string
  readonly serverAssignor: string | null
  /** The epoch of the target the member has been brought to; -2 for a static member that is away. */
  readonly memberEpoch: number
  /** What the member may still say if the answer with its new epoch was lost. */
  readonly previousMemberEpoch: number
  readonly state: MemberState
  readonly assigned: PartitionSet
  /** What it was asked to give up and has not confirmed: nobody else may have these yet. */
  readonly pendingRevocation: PartitionSet
  /** Since when it has had what it holds, be it to give up: what it may still commit for in an earlier epoch. */
  readonly heldSince: HeldSince
  /** null for a member of the consumer protocol. */
  readonly classic: ClassicFacts | null
}

/** A member as the journal has it. */
export type StoredConsumerMember = Omit<ConsumerMember, 'assigned' | 'pendingRevocation' | 'heldSince' | 'classic'> & {
  /** Absent: a member of the consumer protocol. */
  readonly classic?: ClassicFacts
  readonly assigned: PartitionList
  readonly pendingRevocation: PartitionList
  /** Absent, in journals from before: since its present epoch. */
  readonly heldSince?: HeldSinceList
}

/** The epoch of a static member that left and will be back. */
export const awayEpoch = -2

export function newConsumerMember(memberId: string): ConsumerMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    serverAssignor: null,
    memberEpoch: 0,
    previousMemberEpoch: 0,
    state: 'stable',
    assigned: noPartitions,
    pendingRevocation: noPartitions,
    heldSince: heldNothing,
    classic: null,
  }
}

export function storedMember(member: ConsumerMember): StoredConsumerMember {
  const { assigned, pendingRevocation, heldSince, classic, ...rest } = member
  const partitions = { assigned: partitionList(assigned), pendingRevocation: partitionList(pendingRevocation) }
  return { ...rest, ...partitions, heldSince: heldSinceList(heldSince), ...(classic !== null && { classic }) }
}

export function fromStoredMember(stored: StoredConsumerMember): ConsumerMember {
  const { classic = null, memberEpoch } = stored
  const [assigned, pendingRevocation] = [partitionSet(stored.assigned), partitionSet(stored.pendingRevocation)]
  const since = stored.heldSince && fromHeldSinceList(stored.heldSince)
  const held = since ?? heldSince(union(assigned, pendingRevocation), memberEpoch)
  return { ...stored, assigned, pendingRevocation, heldSince: held, classic }
}
