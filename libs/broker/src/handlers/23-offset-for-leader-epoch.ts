import { KafkaError, OffsetForLeaderEpoch } from '@keyfold/protocol'
import type { Partition } from '../partition/partition.ts'
import { handler } from './handler.ts'
import { epochProblem } from './leader-epoch.ts'
import { leaderProblem } from './misrouted.ts'

/**
 * OffsetForLeaderEpoch (23), versions 2-4.
 * Behaviour: where a leader epoch ends. There is one node and one epoch, so it ends at the high watermark.
 * Versions: 3 adds the replica id (clients send -1), 4 is flexible.
 * Not done: nothing.
 */
export const offsetForLeaderEpoch = handler(OffsetForLeaderEpoch, (request, broker) => ({
  topics: request.topics.map(({ topic, partitions: wanted }) => ({
    topic,
    partitions: wanted.map(({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
      const partition = broker.partitions.get(topic, index)
      if (partition === undefined) return { partition: index, errorCode: KafkaError.UNKNOWN_TOPIC_OR_PARTITION.code }
      const misrouted = leaderProblem(broker, topic, index)
      const problem = misrouted ?? epochProblem(currentLeaderEpoch, partition.leaderEpoch)
      if (problem !== undefined) return { partition: index, errorCode: problem.code }
      return { partition: index, errorCode: KafkaError.NONE.code, ...endOf(leaderEpoch, partition) }
    }),
  })),
}))

function endOf(epoch: number, { leaderEpoch, highWatermark, logStartOffset }: Partition) {
  if (epoch === leaderEpoch) return { leaderEpoch, endOffset: highWatermark }
  // Before the first epoch there was nothing, in whatever epoch that was; -1 asks for none.
  if (epoch < -1) return { leaderEpoch: epoch, endOffset: logStartOffset }
  return { leaderEpoch: -1, endOffset: -1 }
}
