import { AlterPartitionReassignments, KafkaError } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { handler } from './handler.ts'

/**
 * AlterPartitionReassignments (45), versions 0-1.
 * Behaviour: the only node holds every partition: moving one onto it is done at once, anything else is refused, and
 * there is nothing to cancel.
 * Versions: 1 may forbid another replication factor, which never changes here.
 * Not done: several nodes.
 */
export const alterPartitionReassignments = handler(AlterPartitionReassignments, (request, broker) => ({
  errorCode: KafkaError.NONE.code,
  errorMessage: null,
  responses: request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, replicas }) => {
      const error = outcome(broker, { name, partitionIndex }, replicas)
      return { partitionIndex, errorCode: error.code, errorMessage: error === KafkaError.NONE ? null : error.text }
    }),
  })),
}))

function outcome(
  { partitions, node }: BrokerContext,
  at: { name: string; partitionIndex: number },
  replicas: readonly number[] | null,
): KafkaError {
  if (partitions.get(at.name, at.partitionIndex) === undefined) return KafkaError.UNKNOWN_TOPIC_OR_PARTITION
  if (replicas === null) return KafkaError.NO_REASSIGNMENT_IN_PROGRESS
  const isHere = replicas.length === 1 && replicas[0] === node.nodeId
  return isHere ? KafkaError.NONE : KafkaError.INVALID_REPLICA_ASSIGNMENT
}
