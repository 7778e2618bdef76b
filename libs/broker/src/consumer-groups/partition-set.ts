/** Partitions by the id of their topic; a topic without partitions is left out. */
export type PartitionSet = ReadonlyMap<string, ReadonlySet<number>>

/** A partition set as it stands in requests, answers and the journal. */
export type PartitionList = readonly { readonly topicId: string; readonly partitions: readonly number[] }[]

export const noPartitions: PartitionSet = new Map()

export function partitionSet(list: PartitionList): PartitionSet {
  const set = new Map<string, Set<number>>()
  for (const { topicId, partitions } of list) {
    if (partitions.length === 0) continue
    const present = set.get(topicId)
    if (present === undefined) set.set(topicId, new Set(partitions))
    else for (const partition of partitions) present.add(partition)
  }
  return set
}

export function partitionList(set: PartitionSet): { topicId: string; partitions: number[] }[] {
  return Array.from(set, ([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions].toSorted((a, b) => a - b),
  }))
}

export function countOf(set: PartitionSet): number {
  let count = 0
  for (const partitions of set.values()) count += partitions.size
  return count
}

export function has(set: PartitionSet, topicId: string, partition: number): boolean {
  return set.get(topicId)?.has(partition) ?? false
}

/** The partitions for which `test` holds. */
export function filter(set: PartitionSet, test: (topicId: string, partition: number) => boolean): PartitionSet {
  const result = new Map<string, Set<number>>()
  for (const [topicId, partitions] of set) {
    const kept = new Set<number>()
    for (const partition of partitions) if (test(topicId, partition)) kept.add(partition)
    if (kept.size > 0) result.set(topicId, kept)
  }
  return result
}

export function intersection(a: PartitionSet, b: PartitionSet): PartitionSet {
  return filter(a, (topicId, partition) => has(b, topicId, partition))
}

export function difference(a: PartitionSet, b: PartitionSet): PartitionSet {
  return filter(a, (topicId, partition) => !has(b, topicId, partition))
}

export function union(a: PartitionSet, b: PartitionSet): PartitionSet {
  if (b.size === 0) return a
  const result = new Map(a)
  for (const [topicId, partitions] of b) result.set(topicId, partitions.union(result.get(topicId) ?? new Set()))
  return result
}

export function isSubset(part: PartitionSet, whole: PartitionSet): boolean {
  for (const [topicId, partitions] of part) {
    const of = whole.get(topicId)
    if (of === undefined || !partitions.isSubsetOf(of)) return false
  }
  return true
}

export function overlaps(a: PartitionSet, b: PartitionSet): boolean {
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others !== undefined && !partitions.isDisjointFrom(others)) return true
  }
  return false
}

export function isEqual(a: PartitionSet, b: PartitionSet): boolean {
  return a === b || (countOf(a) === countOf(b) && isSubset(a, b))
}
