import { DescribeProducers, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { leaderProblem } from './misrouted.ts'
import { topicNameProblem } from '../topics/topic-name.ts'

/**
 * DescribeProducers (61), version 0.
 * Behaviour: the producers a partition knows, with their last sequence and the start of their open transaction.
 * Versions: only 0.
 * Not done: nothing.
 */
export const describeProducers = handler(DescribeProducers, (request, broker) => ({
  topics: request.topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const partition = broker.partitions.get(name, partitionIndex)
      const unknown = topicNameProblem(name) === undefined ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'INVALID_TOPIC_EXCEPTION'
      const problem = partition === undefined ? KafkaError[unknown] : leaderProblem(broker, name, partitionIndex)
      const activeProducers = problem === undefined ? partition?.describeProducers() : undefined
      const { code } = problem ?? KafkaError.NONE
      return { partitionIndex, errorCode: code, activeProducers: activeProducers ?? [] }
    }),
  })),
}))
