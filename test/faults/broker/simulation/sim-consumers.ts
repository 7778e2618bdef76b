import { KafkaError } from '@keyfold/protocol'
import { keyOf, repeat, type Stage } from './sim-actors.ts'
import { requests } from './sim-requests.ts'

/** What the members of one group of the consumer protocol believe to have. */
export interface Holdings {
  /** Partitions by member, with the time of the answer that gave them. */
  readonly byMember: Map<string, { readonly partitions: ReadonlySet<string>; readonly atMs: number }>
  /** The highest epoch that each was told. */
  readonly epochs: Map<string, number>
}

/** Members that are not heard of for so long lose what they have. */
const sessionMs = 45_000

/**
 * A member of a group of the consumer protocol (KIP-848) beside others: nobody ever has what another one has, and no
 * epoch that was told is forgotten.
 */
export function consume(stage: Stage, groupId: string, memberId: string, holdings: Holdings): Promise<void> {
  const { random, violations } = stage
  const { byMember, epochs } = holdings
  let epoch = 0
  let owned: { topicId: string; partitions: number[] }[] = []
  const startAnew = (): void => {
    epoch = 0
    owned = []
    byMember.delete(memberId)
  }
  return repeat(stage, async (broker) => {
    const joins = epoch === 0
    if (!joins && random() < 0.05) {
      // It lets go before it says so.
      startAnew()
      await requests.beat(broker, { groupId, memberId, memberEpoch: -1 })
      return
    }
    const subscription = { rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['plain', 'other'] }
    const request = { groupId, memberId, memberEpoch: epoch, topicPartitions: owned, ...(joins && subscription) }
    const { errorCode, memberEpoch, assigned } = await requests.beat(broker, request)
    if (errorCode === KafkaError.FENCED_MEMBER_EPOCH.code || errorCode === KafkaError.UNKNOWN_MEMBER_ID.code) {
      return startAnew()
    }
    if (errorCode !== 0) {
      if (!passing.has(errorCode)) violations.push(`membership: ${memberId} gets ${errorCode} in epoch ${epoch}`)
      return
    }
    const highest = epochs.get(memberId) ?? 0
    if (memberEpoch < highest) violations.push(`epoch: ${memberId} was in ${highest} and is in ${memberEpoch}`)
    epochs.set(memberId, Math.max(highest, memberEpoch))
    epoch = memberEpoch
    if (assigned !== undefined) owned = assigned
    const partitions = new Set(
      owned.flatMap(({ topicId, partitions }) => partitions.map((partition) => keyOf({ topic: topicId, partition }))),
    )
    const atMs = broker.broker.clock.wall()
    byMember.set(memberId, { partitions, atMs })
    for (const [other, theirs] of byMember) {
      if (other === memberId || theirs.atMs < atMs - sessionMs) continue
      for (const partition of partitions.intersection(theirs.partitions)) {
        violations.push(`membership: ${memberId} and ${other} have ${partition}`)
      }
    }
  })
}

/** The broker is on its way down, or the group was emptied and forgotten. */
const passing: ReadonlySet<number> = new Set([
  KafkaError.COORDINATOR_NOT_AVAILABLE.code,
  KafkaError.GROUP_ID_NOT_FOUND.code,
])
