import { AddPartitionsToTxn, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { fencedCodeFor } from './producer-epoch.ts'

/**
 * AddPartitionsToTxn (24), versions 0-3.
 * Behaviour: announces the partitions a transaction is going to write to. One unknown partition, and none is added:
 * the known ones answer OPERATION_NOT_ATTEMPTED.
 * Versions: 2 knows PRODUCER_FENCED, 3 is flexible; 4 and later are for brokers among themselves.
 * Not done: versions 4 and 5.
 */
export const addPartitionsToTxn = handler(
  AddPartitionsToTxn,
  (request, { partitions, transactions, clock }, { version }) => {
    const topics = request.v3AndBelowTopics
    const wanted = topics.flatMap(({ name, partitions: indexes }) =>
      indexes.map((partition) => ({ topic: name, partition })),
    )
    const isUnknown = (topic: string, partition: number) => partitions.get(topic, partition) === undefined
    const anyUnknown = wanted.some(({ topic, partition }) => isUnknown(topic, partition))
    const added = anyUnknown
      ? KafkaError.OPERATION_NOT_ATTEMPTED.code
      : transactions.addPartitions({
          transactionalId: request.v3AndBelowTransactionalId,
          producerId: request.v3AndBelowProducerId,
          producerEpoch: request.v3AndBelowProducerEpoch,
          partitions: wanted,
          nowMs: clock.steady(),
        }).errorCode
    const ofAll = fencedCodeFor(version, 2, added)
    const resultsByTopicV3AndBelow = topics.map(({ name, partitions: indexes }) => ({
      name,
      resultsByPartition: indexes.map((partitionIndex) => ({
        partitionIndex,
        partitionErrorCode: isUnknown(name, partitionIndex) ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION.code : ofAll,
      })),
    }))
    return { resultsByTopicV3AndBelow }
  },
  { versions: [0, 3] },
)
