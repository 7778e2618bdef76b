import type { AssignorInput, AssignorMember } from './assignor.ts'
import type { PartitionSet } from './partition-set.ts'

/**
 * Equally many partitions for everybody, moving as few as possible. With equal subscriptions the loads differ by one
 * at most; with different ones no single move between two subscribers of a topic could make them more equal.
 */
export function assignUniformly({ members, partitionCounts }: AssignorInput): Map<string, PartitionSet> {
  const loads = members.map((member) => new Load(member, partitionCounts))
  const subscribersOf = new Map<string, Load[]>()
  for (const load of loads) {
    for (const topicId of load.member.topicIds) {
      const subscribers = subscribersOf.get(topicId)
      if (subscribers === undefined) subscribersOf.set(topicId, [load])
      else subscribers.push(load)
    }
  }
  // Topics with few subscribers first: for them there is the least choice.
  const topics = [...subscribersOf].toSorted(([, a], [, b]) => a.length - b.length)
  if (topics.every(([, subscribers]) => subscribers.length === loads.length)) trimToQuota(loads, partitionCounts)
  for (const [topicId, subscribers] of topics) {
    distribute(topicId, partitionCounts.get(topicId) ?? 0, subscribers)
  }
  while (topics.some(([topicId, subscribers]) => level(topicId, subscribers))) {
    // A move can make room for another one elsewhere; each one brings the loads nearer, so this ends.
  }
  return new Map(loads.map(({ member, assigned }) => [member.memberId, toSet(assigned)]))
}

/** What one member is to have, while that is being worked out. */
class Load {
  readonly member: AssignorMember
  readonly assigned = new Map<string, number[]>()
  count = 0

  /** Begins with what the member has and may keep. */
  constructor(member: AssignorMember, partitionCounts: ReadonlyMap<string, number>) {
    this.member = member
    for (const [topicId, partitions] of member.target) {
      if (!member.topicIds.has(topicId)) continue
      const count = partitionCounts.get(topicId) ?? 0
      const kept = [...partitions].filter((partition) => partition < count)
      for (const partition of kept.toSorted((a, b) => a - b)) this.give(topicId, partition)
    }
  }

  give(topicId: string, partition: number): void {
    const present = this.assigned.get(topicId)
    if (present === undefined) this.assigned.set(topicId, [partition])
    else present.push(partition)
    this.count++
  }

  /** Takes the last partition of a topic away; undefined if there is none. */
  take(topicId: string): number | undefined {
    const present = this.assigned.get(topicId)
    const partition = present?.pop()
    if (present?.length === 0) this.assigned.delete(topicId)
    if (partition !== undefined) this.count--
    return partition
  }
}

function toSet(assigned: ReadonlyMap<string, readonly number[]>): PartitionSet {
  return new Map(Array.from(assigned, ([topicId, partitions]) => [topicId, new Set(partitions)]))
}

/** With equal subscriptions it is known beforehand how much each member may keep: the rest is free for the others. */
function trimToQuota(loads: readonly Load[], partitionCounts: ReadonlyMap<string, number>): void {
  let total = 0
  for (const count of partitionCounts.values()) total += count
  const quota = Math.floor(total / loads.length)
  let longer = total % loads.length
  // Whoever has more already is the one to keep more.
  for (const load of loads.toSorted((a, b) => b.count - a.count)) {
    const limit = longer > 0 ? quota + 1 : quota
    for (const topicId of [...load.assigned.keys()].toReversed()) {
      while (load.count > limit && load.take(topicId) !== undefined) {
        // Until it is within the limit or has nothing left of the topic.
      }
    }
    if (load.count > quota) longer--
  }
}

/** Gives what nobody has to whoever has least. */
function distribute(topicId: string, partitionCount: number, subscribers: readonly Load[]): void {
  const taken = new Set<number>()
  for (const { assigned } of subscribers) for (const partition of assigned.get(topicId) ?? []) taken.add(partition)
  if (taken.size === partitionCount) return
  const queue = new LeastLoaded(subscribers)
  for (let partition = 0; partition < partitionCount; partition++) {
    if (!taken.has(partition)) queue.give(topicId, partition)
  }
}

/** Moves partitions of a topic from those who have most to those who have least; true if any was moved. */
function level(topicId: string, subscribers: readonly Load[]): boolean {
  let isMoved = false
  for (;;) {
    let most: Load | undefined
    let least: Load | undefined
    for (const load of subscribers) {
      if (load.assigned.has(topicId) && (most === undefined || load.count > most.count)) most = load
      if (least === undefined || load.count < least.count) least = load
    }
    if (most === undefined || least === undefined || most.count <= least.count + 1) return isMoved
    const partition = most.take(topicId)
    if (partition === undefined) return isMoved
    least.give(topicId, partition)
    isMoved = true
  }
}

/** Members in queues by load: the next one to get a partition is found at once, however many there are. */
class LeastLoaded {
  readonly #queues = new Map<number, { loads: Load[]; next: number }>()
  #lowest: number

  constructor(loads: readonly Load[]) {
    for (const load of loads) this.#put(load)
    this.#lowest = Math.min(...this.#queues.keys())
  }

  give(topicId: string, partition: number): void {
    const load = this.#take()
    load.give(topicId, partition)
    this.#put(load)
  }

  #take(): Load {
    for (;;) {
      const queue = this.#queues.get(this.#lowest)
      const load = queue?.loads[queue.next]
      if (queue !== undefined && load !== undefined) {
        queue.next++
        return load
      }
      // Nobody has so little any more; a queue of more is never empty while there are members.
      this.#lowest++
    }
  }

  #put(load: Load): void {
    const queue = this.#queues.get(load.count)
    if (queue === undefined) this.#queues.set(load.count, { loads: [load], next: 0 })
    else queue.loads.push(load)
  }
}
