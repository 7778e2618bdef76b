import { KafkaError, ListOffsets, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { handler } from './handler.ts'
import { epochProblem } from './leader-epoch.ts'
import { leaderProblem } from './misrouted.ts'

/**
 * ListOffsets (2), versions 1-11.
 * Behaviour: the first offset whose record is at least as new as a timestamp; -2 the start, -1 the end (read_committed:
 * the last stable offset), -3 the newest record.
 * Versions: 2 isolation level, 4 leader epochs, 7 the timestamp -3, 8 and 9 those of tiered storage (-4, -5).
 * Not done: tiered storage.
 */
export const listOffsets = handler(ListOffsets, async (request, broker, { version }) => {
  const isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
  const topics = request.topics.map(async ({ name, partitions }) => ({
    name,
    partitions: await Promise.all(partitions.map((wanted) => find(broker, name, { wanted, isolation, version }))),
  }))
  return { topics: await Promise.all(topics) }
})

interface Search {
  wanted: RequestOf<typeof ListOffsets>['topics'][number]['partitions'][number]
  isolation: 'read_uncommitted' | 'read_committed'
  version: number
}

async function find(broker: BrokerContext, topic: string, { wanted, isolation, version }: Search) {
  const { partitionIndex, currentLeaderEpoch, timestamp } = wanted
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
