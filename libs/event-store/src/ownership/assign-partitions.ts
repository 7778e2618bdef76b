import { murmur2 } from '@keyfold/bytes'

/** A member of the writers' group as it enters. */
export interface WriterMember {
  readonly memberId: string
  /** Breaks ties: equal slots make equal choices. */
  readonly slot: string
  /** What it owns, and the generation that it was given it in. */
  readonly owned: readonly number[]
  readonly generation: number
}

/**
 * Shares partitions so that nobody has two more than another, and as few as possible change hands: who has some keeps
 * as many as its share allows. Where two say that they own a partition, the one of the later generation does. The
 * topic's name spreads the odd partitions of several topics over the members.
 */
export function assignPartitions(
  topic: string,
  members: readonly WriterMember[],
  partitions: number,
): ReadonlyMap<string, readonly number[]> {
  const inOrder = [...members].sort((left, right) => (left.memberId < right.memberId ? -1 : 1))
  const held = heldBy(inOrder, partitions)
  const ranked = inOrder.sort(
    (left, right) =>
      (held.get(right.memberId)?.length ?? 0) - (held.get(left.memberId)?.length ?? 0) ||
      rank(topic, left) - rank(topic, right),
  )
  const most = Math.ceil(partitions / members.length)
  const withMost = partitions - (most - 1) * members.length
  const shares = new Map<string, number[]>()
  const free = new Set(Array.from({ length: partitions }, (_, partition) => partition))
  for (const [place, { memberId }] of ranked.entries()) {
    const share = (held.get(memberId) ?? []).slice(0, place < withMost ? most : most - 1)
    for (const partition of share) free.delete(partition)
    shares.set(memberId, share)
  }
  const left = [...free]
  for (const [place, { memberId }] of ranked.entries()) {
    const share = shares.get(memberId) ?? []
    share.push(...left.splice(0, (place < withMost ? most : most - 1) - share.length))
    share.sort((one, other) => one - other)
  }
  return shares
}

/** By member: the partitions that it has the latest word on, in order. */
function heldBy(members: readonly WriterMember[], partitions: number): ReadonlyMap<string, readonly number[]> {
  const holders = new Map<number, WriterMember>()
  for (const member of members) {
    for (const partition of member.owned) {
      const holder = holders.get(partition)
      if (partition < partitions && (holder === undefined || holder.generation < member.generation))
        holders.set(partition, member)
    }
  }
  const held = new Map<string, number[]>()
  for (const [partition, { memberId }] of [...holders].sort(([left], [right]) => left - right))
    held.set(memberId, [...(held.get(memberId) ?? []), partition])
  return held
}

function rank(topic: string, { slot }: WriterMember): number {
  return murmur2(Buffer.from(`${topic} ${slot}`)) >>> 0
}
