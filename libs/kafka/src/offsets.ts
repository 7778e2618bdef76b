import { brokerError, brokerErrorName, isTransient } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import type { Isolation, Offset } from './kafka-client.ts'
import { retrying } from './retry.ts'
import { apis } from './wire-apis.ts'

const deadlineMs = 30_000
/** ListOffsets' special timestamps. */
export const LATEST = -1
export const EARLIEST = -2

/**
 * The latest or earliest offset of every partition of a topic, by partition.
 * Errors: `UNKNOWN_TOPIC_OR_PARTITION`, `BROKER_BUSY`, `KAFKA_UNREACHABLE`.
 */
export async function listOffsets(
  cluster: Cluster,
  topic: string,
  timestamp: typeof LATEST | typeof EARLIEST,
  isolation: Isolation,
): Promise<readonly Offset[]> {
  return retrying({ deadlineMs, before: () => cluster.forget(topic) }, async () => {
    const { partitions } = await cluster.layoutOf(topic)
    const byLeader = new Map<number, number[]>()
    for (let partition = 0; partition < partitions; partition++) {
      const leader = await cluster.leaderOf(topic, partition)
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition])
    }
    const offsets: Offset[] = []
    await Promise.all(
      [...byLeader].map(async ([leader, ids]) => {
        const link = await cluster.linkTo(leader)
        const { responses } = await link.call(apis.listOffsets, {
          isolationLevel: isolation === 'committed' ? 1 : 0,
          topics: [{ topic, partitions: ids.map((partition) => ({ partition, timestamp })) }],
        })
        for (const { partition, errorCode, offset } of responses.flatMap((response) => response.partitions)) {
          if (errorCode !== 0) throw listError(brokerErrorName(errorCode), topic, partition)
          offsets[partition] = Number(offset)
        }
      }),
    )
    return offsets
  })
}

function listError(errorName: string, topic: string, partition: number): Error {
  // A leader that has just changed may not know the partition yet: worth asking again.
  const again = errorName === 'UNKNOWN_TOPIC_OR_PARTITION' || isTransient(errorName)
  return brokerError(again ? 'LEADER_NOT_AVAILABLE' : errorName, `offsets of ${topic}/${partition}`)
}
