import { AlterPartitionReassignments, KafkaError, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { assignmentProblem } from '../topics/new-topic.ts'
import { handler } from './handler.ts'

/**
 * AlterPartitionReassignments (45), versions 0-1.
 * Behaviour: every node has all data, so a partition is moved by saying so: the new replicas count at once, the first
 * of them leads. There is never a move to cancel.
 * Versions: 1 may forbid another replication factor.
 * Not done: nothing.
 */
export const alterPartitionReassignments = handler(AlterPartitionReassignments, async (request, broker) => {
  let lsn = 0
  const responses = request.topics.map(({ name, partitions }) => {
    const moved = new Map<number, readonly number[]>()
    const results = partitions.map(({ partitionIndex, replicas }) => {
      const error = problemOf(broker, { name, partitionIndex, replicas, request })
      if (error === undefined && replicas !== null) moved.set(partitionIndex, replicas)
      return { partitionIndex, errorCode: (error ?? KafkaError.NONE).code, errorMessage: error?.text ?? null }
    })
    const topic = broker.catalog.get(name)
    if (topic !== undefined && moved.size > 0) lsn = broker.catalog.reassign(topic, moved)
    return { name, partitions: results }
  })
  await broker.storage.durable(lsn)
  return { errorCode: KafkaError.NONE.code, errorMessage: null, responses }
})

interface Move {
  name: string
  partitionIndex: number
  replicas: readonly number[] | null
  request: RequestOf<typeof AlterPartitionReassignments>
}

function problemOf(broker: BrokerContext, { name, partitionIndex, replicas, request }: Move): KafkaError | undefined {
  const { catalog, cluster, storage } = broker
  const topic = catalog.get(name)
  const isKnown = topic !== undefined && partitionIndex >= 0 && partitionIndex < topic.partitionCount
  if (!isKnown) return KafkaError.UNKNOWN_TOPIC_OR_PARTITION
  if (replicas === null) return KafkaError.NO_REASSIGNMENT_IN_PROGRESS
  const problem = assignmentProblem(cluster, replicas)
  if (problem !== undefined) return problem.error
  const present = cluster.replicasOf(topic, partitionIndex)
  if (!request.allowReplicationFactorChange && replicas.length !== present.length) {
    return KafkaError.INVALID_REPLICATION_FACTOR
  }
  return storage.acceptsWrites ? undefined : KafkaError.KAFKA_STORAGE_ERROR
}
