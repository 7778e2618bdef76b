import type { PartitionSet } from './partition-set.ts'

/** The epoch in which a member got each partition that it holds, by topic id and partition (KIP-1251). */
export type HeldSince = ReadonlyMap<string, ReadonlyMap<number, number>>

/** The same in the journal. */
export type HeldSinceList = readonly (readonly [
  topicId: string,
  epochs: readonly (readonly [partition: number, epoch: number])[],
])[]

export const heldNothing: HeldSince = new Map()

/** For what is held now: as before, or since this epoch. */
export function heldSince(held: PartitionSet, epoch: number, before: HeldSince = heldNothing): HeldSince {
  return new Map(
    Array.from(held, ([topicId, partitions]) => {
      const epochs = before.get(topicId)
      return [topicId, new Map(Array.from(partitions, (partition) => [partition, epochs?.get(partition) ?? epoch]))]
    }),
  )
}

export function heldSinceList(since: HeldSince): HeldSinceList {
  return Array.from(since, ([topicId, epochs]) => [topicId, [...epochs].toSorted(([a], [b]) => a - b)])
}

export function fromHeldSinceList(list: HeldSinceList): HeldSince {
  return new Map(list.map(([topicId, epochs]) => [topicId, new Map(epochs)]))
}
