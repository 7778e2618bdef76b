import type { Cluster } from '../cluster.ts'

/** Partitions of a topic, grouped by the node that leads them. Errors: as `Cluster.leaderOf`. */
export async function byLeader(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, readonly number[]>> {
  const led = new Map<number, number[]>()
  for (const partition of partitions) {
    const leader = await cluster.leaderOf(topic, partition)
    const others = led.get(leader)
    if (others === undefined) led.set(leader, [partition])
    else others.push(partition)
  }
  return led
}
