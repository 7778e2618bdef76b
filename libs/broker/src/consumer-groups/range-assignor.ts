import type { AssignorInput, AssignorMember } from './assignor.ts'
import type { PartitionSet } from './partition-set.ts'

/**
 * Consecutive partitions of each topic to its subscribers, in the same order for every topic: topics with the same
 * subscribers and equally many partitions are split alike, so that their partitions can be joined.
 */
export function assignRanges({ members, partitionCounts }: AssignorInput): Map<string, PartitionSet> {
  const ordered = members.toSorted(byInstanceThenId)
  const result = new Map(members.map(({ memberId }) => [memberId, new Map<string, Set<number>>()]))
  for (const [topicId, partitionCount] of partitionCounts) {
    const subscribers = ordered.filter(({ topicIds }) => topicIds.has(topicId))
    const share = Math.floor(partitionCount / subscribers.length)
    const longer = partitionCount % subscribers.length
    let next = 0
    for (const [index, { memberId }] of subscribers.entries()) {
      const end = next + share + (index < longer ? 1 : 0)
      const range = new Set<number>()
      while (next < end) range.add(next++)
      if (range.size > 0) result.get(memberId)?.set(topicId, range)
    }
  }
  return result
}

/** Static members keep their place across restarts: they come first, by instance. */
function byInstanceThenId(a: AssignorMember, b: AssignorMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId)
  if (a.instanceId !== null || b.instanceId !== null) return a.instanceId === null ? 1 : -1
  return compare(a.memberId, b.memberId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
