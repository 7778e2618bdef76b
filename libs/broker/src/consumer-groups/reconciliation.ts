import type { ConsumerMember } from './consumer-member.ts'
import { heldSince } from './held-since.ts'
import {
  countOf,
  difference,
  filter,
  intersection,
  noPartitions,
  overlaps,
  type PartitionSet,
  union,
} from './partition-set.ts'

export interface ReconciliationGoal {
  /** The epoch of the target assignment. */
  readonly epoch: number
  readonly target: PartitionSet
  /** What the member says it owns; null if it does not say. */
  readonly owned: PartitionSet | null
  /** True if no other member has the partition, or still has to give it up. */
  readonly isFree: (topicId: string, partition: number) => boolean
}

/**
 * One step of a member towards its target (KIP-848): first it gives up what it is not to have, keeping its epoch; once
 * it owns none of that any more it moves to the target's epoch and gets what is free; the rest follows as others let go.
 * Returns the same member if there is nothing to do.
 */
export function reconcile(member: ConsumerMember, goal: ReconciliationGoal): ConsumerMember {
  if (member.state === 'stable' && member.memberEpoch === goal.epoch) return member
  if (member.state === 'unrevoked' && stillOwns(goal.owned, member.pendingRevocation)) return member
  const kept = intersection(member.assigned, goal.target)
  const revoked = difference(member.assigned, kept)
  if (revoked.size > 0 && stillOwns(goal.owned, revoked)) {
    const { memberEpoch } = member
    return {
      ...member,
      state: 'unrevoked',
      previousMemberEpoch: memberEpoch,
      assigned: kept,
      pendingRevocation: revoked,
      heldSince: heldSince(member.assigned, memberEpoch, member.heldSince),
    }
  }
  const wanted = difference(goal.target, kept)
  const free = filter(wanted, goal.isFree)
  const isComplete = countOf(free) === countOf(wanted)
  if (!isComplete && free.size === 0 && isWaiting(member, goal, kept)) return member
  const assigned = union(kept, free)
  return {
    ...member,
    state: isComplete ? 'stable' : 'unreleased',
    memberEpoch: goal.epoch,
    previousMemberEpoch: member.memberEpoch,
    assigned,
    pendingRevocation: noPartitions,
    heldSince: heldSince(assigned, goal.epoch, member.heldSince),
  }
}

/** Only what the member itself reports counts as given up. */
function stillOwns(owned: PartitionSet | null, revoked: PartitionSet): boolean {
  return owned === null || overlaps(owned, revoked)
}

/**
 * True if the step would only repeat what the member is already told. The first beat after the one that told it comes in
 * the new epoch, and the one before is forgotten with it: from then on it is fenced, as in Kafka.
 */
function isWaiting(member: ConsumerMember, goal: ReconciliationGoal, kept: PartitionSet): boolean {
  const { state, memberEpoch, previousMemberEpoch, assigned } = member
  const isTold = memberEpoch === goal.epoch && previousMemberEpoch === memberEpoch
  return state === 'unreleased' && isTold && countOf(kept) === countOf(assigned)
}
