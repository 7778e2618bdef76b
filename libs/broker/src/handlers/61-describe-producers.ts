import { DescribeProducers, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * DescribeProducers (61), version 0.
 * Behaviour: the producers a partition knows, with their last sequence and the start of their open transaction.
 * Versions: only 0.
 * Not done: nothing.
 */
export const describeProducers = handler(DescribeProducers, (request, { partitions }) => ({
  topics: request.topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const partition = partitions.get(name, partitionIndex)
      const error = partition === undefined ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION : KafkaError.NONE
      return { partitionIndex, errorCode: error.code, activeProducers: partition?.describeProducers() ?? [] }
    }),
  })),
}))
