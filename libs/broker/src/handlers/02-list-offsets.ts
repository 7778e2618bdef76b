import { KafkaError, ListOffsets, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { Isolation } from '../partition/partition-requests.ts'
import { eachOnce, type Named } from './each-once.ts'
import { handler } from './handler.ts'
import { isolationOf } from './isolation.ts'
import { epochProblem } from './leader-epoch.ts'
import { leaderProblem } from './misrouted.ts'

/**
 * ListOffsets (2), versions 1-11.
 * Behaviour: the first offset whose record is at least as new as a timestamp; -2 the start, -1 the end (read_committed:
 * the last stable offset), -3 the newest record. A partition that is asked for twice is refused.
 * Versions: 2 isolation level, 4 leader epochs, 7 the timestamp -3, 8 and 9 those of tiered storage (-4, -5).
 * Not done: tiered storage.
 */
export const listOffsets = handler(ListOffsets, async (request, broker, { version }) => {
  const isolation = isolationOf(request.isolationLevel)
  const byTopic = Map.groupBy(request.topics, ({ name }) => name)
  const topics = Array.from(byTopic, async ([name, of]) => {
    const partitions = of.flatMap((topic) => topic.partitions)
    const asked = eachOnce(partitions, ({ partitionIndex }) => partitionIndex)
    return {
      name,
      partitions: await Promise.all(asked.map((each) => find(broker, name, { ...each, isolation, version }))),
    }
  })
  return { topics: await Promise.all(topics) }
})

type Wanted = RequestOf<typeof ListOffsets>['topics'][number]['partitions'][number]

interface Search extends Named<Wanted> {
  isolation: Isolation | undefined
  version: number
}

async function find(broker: BrokerContext, topic: string, { item, isTwice, isolation, version }: Search) {
  const { partitionIndex, currentLeaderEpoch, timestamp } = item
  if (isTwice || isolation === undefined) return { partitionIndex, errorCode: KafkaError.INVALID_REQUEST.code }
  if (version < versionThatKnows(timestamp)) return { partitionIndex, errorCode: KafkaError.UNSUPPORTED_VERSION.code }
  const partition = broker.partitions.get(topic, partitionIndex)
  const error =
    partition === undefined
      ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION
      : (leaderProblem(broker, topic, partitionIndex) ?? epochProblem(currentLeaderEpoch, partition.leaderEpoch))
  if (partition === undefined || error !== undefined) {
    return { partitionIndex, errorCode: (error ?? KafkaError.UNKNOWN_TOPIC_OR_PARTITION).code }
  }
  const found = await partition.listOffset(timestamp, isolation)
  const leaderEpoch = found.offset < 0 || version < 4 ? -1 : partition.leaderEpoch
  return { partitionIndex, ...found, leaderEpoch }
}

/** The first version in which a timestamp asks for something. */
function versionThatKnows(timestamp: number): number {
  return timestamp >= 0 ? 1 : (negativeTimestamps.get(timestamp) ?? Number.POSITIVE_INFINITY)
}

/** KIP-734 (-3), KIP-405 (-4), KIP-1005 (-5), KIP-1023 (-6). */
const negativeTimestamps: ReadonlyMap<number, number> = new Map([
  [-1, 1],
  [-2, 1],
  [-3, 7],
  [-4, 8],
  [-5, 9],
  [-6, 11],
])
