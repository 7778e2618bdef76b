import { zeroUuid } from '@keyfold/bytes'
import { DescribeTopicPartitions, KafkaError } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { partitionIndexes, type Topic } from '../topics/topic.ts'
import { authorizedOperations } from './authorized-operations.ts'
import { handler } from './handler.ts'
import { partitionPlacement } from './partition-placement.ts'
import { missingTopic } from './topic-of.ts'

/**
 * DescribeTopicPartitions (75), version 0.
 * Behaviour: topics (all, if none is named) in order of name, page by page: an answer that is full ends with the cursor
 * from which the next one goes on (KIP-966). What a client may do is always told: everything, without an authorizer.
 * Versions: only 0.
 * Not done: nothing.
 */
export const describeTopicPartitions = handler(DescribeTopicPartitions, (request, broker) => {
  const { cursor } = request
  const named = request.topics.map(({ name }) => name)
  const names = named.length > 0 ? [...new Set(named)] : broker.catalog.all().map(({ name }) => name)
  const pending = names.toSorted().filter((name) => cursor === null || name >= cursor.topicName)
  let room = Math.min(Math.max(1, request.responsePartitionLimit), partitionsPerAnswerMax)
  const topics: ReturnType<typeof describe>[] = []
  let nextCursor: { topicName: string; partitionIndex: number } | null = null
  for (const name of pending) {
    const topic = broker.catalog.get(name)
    const first = cursor !== null && name === cursor.topicName ? cursor.partitionIndex : 0
    if (room === 0) {
      nextCursor = { topicName: name, partitionIndex: first }
      break
    }
    if (topic === undefined) {
      topics.push(failed(name))
      continue
    }
    const indexes = partitionIndexes(topic).slice(first)
    topics.push(describe(broker, topic, indexes.slice(0, room)))
    const rest = indexes[room]
    if (rest !== undefined) {
      nextCursor = { topicName: name, partitionIndex: rest }
      break
    }
    room -= indexes.length
  }
  return { topics, nextCursor }
})

const partitionsPerAnswerMax = 2000

function describe({ cluster }: BrokerContext, topic: Topic, indexes: readonly number[]) {
  return {
    errorCode: KafkaError.NONE.code,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.isInternal,
    partitions: indexes.map((index) => ({
      ...partitionPlacement(cluster, topic, index),
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
    })),
    topicAuthorizedOperations: authorizedOperations.topic,
  }
}

function failed(name: string): ReturnType<typeof describe> {
  const { code } = missingTopic(name).error
  const nothing = { topicId: zeroUuid, isInternal: false, partitions: [] }
  return { errorCode: code, name, ...nothing, topicAuthorizedOperations: authorizedOperations.topic }
}
