import { ListOffsets } from '@keyfold/protocol'
import type { Cluster } from '../cluster.ts'
import type { OffsetQuery } from '../kafka-admin.ts'
import type { Isolation, Offset } from '../kafka-client.ts'
import { EARLIEST, LATEST, listOffsets } from '../offsets.ts'
import { retrying } from '../retry.ts'
import { byLeader } from './by-leader.ts'
import { throwIfRefused } from './refusal.ts'

const deadlineMs = 30_000

/** The offsets of a topic at its start, at its end, or at a time, by partition. */
export async function offsetsAt(
  cluster: Cluster,
  topic: string,
  { at, isolation }: { readonly at: OffsetQuery; readonly isolation: Isolation },
): Promise<readonly Offset[]> {
  if (at === 'earliest') return listOffsets(cluster, topic, EARLIEST, isolation)
  const ends = await listOffsets(cluster, topic, LATEST, isolation)
  if (at === 'latest') return ends
  const found = await atTime(cluster, topic, at.timestampMs)
  return ends.map((end, partition) => {
    const offset = found.get(partition) ?? -1
    return offset < 0 ? end : offset
  })
}

/** -1 where no record is that young. */
function atTime(cluster: Cluster, topic: string, timestamp: number): Promise<ReadonlyMap<number, Offset>> {
  return retrying({ deadlineMs, before: () => cluster.forget(topic) }, async () => {
    const { partitions } = await cluster.layoutOf(topic)
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const offsets = new Map<number, Offset>()
    for (const [leader, led] of await byLeader(cluster, topic, all)) {
      const link = await cluster.linkTo(leader)
      const wanted = led.map((partitionIndex) => ({ partitionIndex, timestamp }))
      const { topics } = await link.ask(
        ListOffsets,
        { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions: wanted }] },
        7,
      )
      for (const { partitionIndex, errorCode, offset } of topics.flatMap((each) => each.partitions)) {
        throwIfRefused(errorCode, `offsets of ${topic}/${partitionIndex}`)
        offsets.set(partitionIndex, offset)
      }
    }
    return offsets
  })
}
