import { DescribeProducers, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { leaderProblem } from './misrouted.ts'
import { missingTopic } from './topic-of.ts'

/**
 * DescribeProducers (61), version 0.
 * Behaviour: the producers a partition knows, with their last sequence and the start of their open transaction.
 * Versions: only 0.
 * Not done: nothing.
 */
export const describeProducers = handler(DescribeProducers, (request, broker) => ({
  topics: request.topics.map(({ name, partitionIndexes }) => {
    const missing = missingTopic(name).error
    const partitions = partitionIndexes.map((partitionIndex) => {
      const partition = broker.partitions.get(name, partitionIndex)
      const problem = partition === undefined ? missing : leaderProblem(broker, name, partitionIndex)
      const activeProducers = problem === undefined ? partition?.describeProducers() : undefined
      const { code } = problem ?? KafkaError.NONE
      return { partitionIndex, errorCode: code, activeProducers: activeProducers ?? [] }
    })
    return { name, partitions }
  }),
}))
