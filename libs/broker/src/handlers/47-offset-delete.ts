import { KafkaError, OffsetDelete } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * OffsetDelete (47), version 0.
 * Behaviour: forgets offsets of a group, except in topics that a member subscribes to (KIP-496).
 * Versions: only 0, never flexible.
 * Not done: nothing.
 */
export const offsetDelete = handler(OffsetDelete, async (request, broker) => {
  const { groups, catalog, storage } = broker
  const misrouted = coordinatorProblem(broker, request.groupId)
  if (misrouted !== undefined) return { errorCode: misrouted.code, topics: [] }
  if (!storage.acceptsWrites) return { errorCode: KafkaError.KAFKA_STORAGE_ERROR.code, topics: [] }
  const known = request.topics.filter(({ name }) => catalog.get(name) !== undefined)
  const partitions = known.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
  )
  const { error, refused, lsn } = groups.deleteOffsets(request.groupId, partitions)
  if (error !== KafkaError.NONE) return { errorCode: error.code, topics: [] }
  await storage.durable(lsn)
  const topics = request.topics.map(({ name, partitions }) => {
    const ofTopic = refused.has(name) ? KafkaError.GROUP_SUBSCRIBED_TO_TOPIC : KafkaError.NONE
    const { code } = known.some((topic) => topic.name === name) ? ofTopic : KafkaError.UNKNOWN_TOPIC_OR_PARTITION
    return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })) }
  })
  return { errorCode: KafkaError.NONE.code, topics }
})
