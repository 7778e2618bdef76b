import { KafkaError, type RequestOf, WriteTxnMarkers } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { handler } from './handler.ts'
import { leaderProblem } from './misrouted.ts'

/**
 * WriteTxnMarkers (27), versions 1-2.
 * Behaviour: ends a producer's transaction on single partitions, whatever its coordinator thinks: the way to clear a
 * hanging one (KIP-664). Answers once the markers are durable.
 * Versions: 2 says the generation of the transaction, which makes late markers known as such (KIP-1228).
 * Not done: nothing. Offsets of groups lie in no partition here, so `__consumer_offsets` is an unknown topic.
 */
export const writeTxnMarkers = handler(WriteTxnMarkers, async (request, broker) => {
  let highest = 0
  const markers = request.markers.map((marker) => ({
    producerId: marker.producerId,
    topics: marker.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        const { errorCode, lsn } = write(broker, marker, { topic: name, partitionIndex })
        highest = Math.max(highest, lsn)
        return { partitionIndex, errorCode }
      }),
    })),
  }))
  await broker.storage.durable(highest)
  return { markers }
})

type Marker = RequestOf<typeof WriteTxnMarkers>['markers'][number]

function write(
  broker: BrokerContext,
  { transactionResult: committed, producerId, producerEpoch, coordinatorEpoch, transactionVersion }: Marker,
  { topic, partitionIndex }: { topic: string; partitionIndex: number },
): { errorCode: number; lsn: number } {
  const partition = broker.partitions.get(topic, partitionIndex)
  const problem =
    partition === undefined ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION : leaderProblem(broker, topic, partitionIndex)
  if (partition === undefined || problem !== undefined) return { errorCode: problem?.code ?? 0, lsn: 0 }
  const nowMs = broker.clock.wall()
  return partition.writeMarker({ producerId, producerEpoch, committed, coordinatorEpoch, transactionVersion, nowMs })
}
