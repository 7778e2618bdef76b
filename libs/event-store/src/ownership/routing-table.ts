import type { JoinedMember, MemberShare } from '@keyfold/kafka'
import { assignPartitions } from './assign-partitions.ts'

/** An instance, as the others know it. */
export interface Instance {
  readonly instanceId: string
  /** `host:port`, where it takes commands. */
  readonly url: string
}

/** What a member says when it enters the group. */
export interface MemberCard extends Instance {
  readonly slot: string
  readonly owned: readonly number[]
  readonly generation: number
}

/** Who owns what: every member gets the whole of it with its share. */
export interface PartitionMap {
  readonly generation: number
  readonly instances: readonly (Instance & { readonly partitions: readonly number[] })[]
}

export function encodeCard(card: MemberCard): Buffer {
  return Buffer.from(JSON.stringify(card))
}

/** Undefined for bytes that hold no map: a group that is forming, or one that is not ours. */
export function decodeMap(bytes: Buffer): PartitionMap | undefined {
  try {
    const map = JSON.parse(bytes.toString()) as PartitionMap
    return Array.isArray(map.instances) ? map : undefined
  } catch {
    return undefined
  }
}

/** The leader's work: shares the partitions and tells everybody the whole map. */
export function shareOut(
  topic: string,
  partitions: number,
  { joined, generation }: { readonly joined: readonly JoinedMember[]; readonly generation: number },
): ReadonlyMap<string, MemberShare> {
  const members = joined.map(({ memberId, userData }) => ({
    memberId,
    ...(JSON.parse(userData.toString()) as MemberCard),
  }))
  const shares = assignPartitions(topic, members, partitions)
  const instances = members.map(({ memberId, instanceId, url }) => ({
    instanceId,
    url,
    partitions: shares.get(memberId) ?? [],
  }))
  const userData = Buffer.from(JSON.stringify({ generation, instances } satisfies PartitionMap))
  return new Map([...shares].map(([memberId, owned]) => [memberId, { partitions: owned, userData }]))
}

/** Which instance owns each partition of a topic, as far as this one has heard. */
export class RoutingTable {
  #map: PartitionMap = { generation: -1, instances: [] }
  #owners: ReadonlyMap<number, Instance> = new Map()
  #changes = 0
  readonly #listeners = new Set<() => void>()

  get generation(): number {
    return this.#map.generation
  }

  get instances(): readonly Instance[] {
    return this.#map.instances
  }

  ownerOf(partition: number): Instance | undefined {
    return this.#owners.get(partition)
  }

  /** Takes the latest news; whoever calls it has them in order. */
  learn(map: PartitionMap): void {
    const before = this.#owners
    this.#map = map
    this.#owners = new Map(
      map.instances.flatMap((instance) => instance.partitions.map((partition) => [partition, instance] as const)),
    )
    const partitions = new Set([...before.keys(), ...this.#owners.keys()])
    const moved = [...partitions].some(
      (partition) => before.get(partition)?.instanceId !== this.#owners.get(partition)?.instanceId,
    )
    if (!moved) return
    this.#changes++
    for (const listener of this.#listeners) listener()
  }

  /** Counts the changes of owners. */
  get changes(): number {
    return this.#changes
  }

  /** Resolves at the next change of owners, or after so many milliseconds. */
  async changed(withinMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, Math.max(0, withinMs))
    this.#listeners.add(resolve)
    await promise
    clearTimeout(timer)
    this.#listeners.delete(resolve)
  }

  /** Calls back when another instance than this one has the partition. Returns how to stop that. */
  onTaken(partition: number, from: Instance, taken: () => void): () => void {
    const listener = (): void => {
      const owner = this.ownerOf(partition)
      if (owner !== undefined && owner.instanceId !== from.instanceId) taken()
    }
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
