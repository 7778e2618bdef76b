import { KafkaError, OffsetFetch, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { validateMemberFetch } from '../consumer-groups/offset-access.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'
import { findTopic } from './topic-of.ts'

/**
 * OffsetFetch (9), versions 1-10.
 * Behaviour: how far groups have read; -1 where nothing is committed, also for a group nobody knows. With
 * requireStable a partition whose offset a running transaction may change answers UNSTABLE_OFFSET_COMMIT (KIP-447).
 * Versions: 2 null topics for all, 5 leader epochs, 7 requireStable, 8 several groups, 9 member epochs (KIP-848), 10 topics by id.
 * Not done: nothing.
 */
export const offsetFetch = handler(OffsetFetch, (request, broker, { version }) => {
  const { requireStable } = request
  if (version >= 8) {
    const groups = request.groups.map((group) => {
      const misrouted = coordinatorProblem(broker, group.groupId)
      if (misrouted !== undefined) return { groupId: group.groupId, topics: [], errorCode: misrouted.code }
      const consumerGroup = broker.consumerGroups.get(group.groupId)
      const refusal = consumerGroup === undefined ? KafkaError.NONE : validateMemberFetch(consumerGroup, group)
      if (refusal !== KafkaError.NONE) return { groupId: group.groupId, topics: [], errorCode: refusal.code }
      const wanted = group.topics ?? topicsOf(broker, group.groupId)
      const topics = wanted.map(({ name, topicId, partitionIndexes }) => {
        const { topic, error } =
          version >= 10 ? findTopic(broker.catalog, { name, topicId }, 'id') : { topic: { name }, error: undefined }
        const read = (partitionIndex: number) =>
          error === undefined
            ? committed(broker, { groupId: group.groupId, topic: topic.name, requireStable }, partitionIndex)
            : { ...nothing, partitionIndex, errorCode: error.code }
        return { name, topicId, partitions: partitionIndexes.map(read) }
      })
      return { groupId: group.groupId, topics, errorCode: KafkaError.NONE.code }
    })
    return { groups }
  }
  const { groupId } = request
  const misrouted = coordinatorProblem(broker, groupId)
  if (misrouted !== undefined) return refused(request, misrouted)
  const wanted = request.topics ?? topicsOf(broker, groupId)
  const topics = wanted.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => committed(broker, { groupId, topic: name, requireStable }, index)),
  }))
  return { topics, errorCode: KafkaError.NONE.code }
})

/** Version 1 has no error but those of partitions. */
function refused({ topics }: RequestOf<typeof OffsetFetch>, { code: errorCode }: KafkaError) {
  const refuse = (partitionIndex: number) => ({ ...nothing, partitionIndex, errorCode })
  return {
    errorCode,
    topics: (topics ?? []).map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map(refuse) })),
  }
}

const nothing = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '' }

function committed(
  { offsets, transactions }: BrokerContext,
  { groupId, topic, requireStable }: { groupId: string; topic: string; requireStable: boolean },
  partitionIndex: number,
) {
  if (requireStable && transactions.hasPendingOffset(groupId, topic, partitionIndex)) {
    return { ...nothing, partitionIndex, errorCode: KafkaError.UNSTABLE_OFFSET_COMMIT.code }
  }
  const found = offsets.get(groupId, { topic, partition: partitionIndex })
  if (found === undefined) return { ...nothing, partitionIndex, errorCode: KafkaError.NONE.code }
  const { offset, leaderEpoch, metadata } = found
  return {
    partitionIndex,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata: metadata ?? '',
    errorCode: KafkaError.NONE.code,
  }
}

/** Every partition in which a group has committed, by topic. */
function topicsOf({ offsets, catalog }: BrokerContext, groupId: string) {
  const topics = new Map<string, { name: string; topicId: string; partitionIndexes: number[] }>()
  for (const { topic: name, partition } of offsets.ofGroup(groupId)) {
    const topic = catalog.get(name)
    if (topic === undefined) continue
    const entry = topics.get(name) ?? { name, topicId: topic.id, partitionIndexes: [] }
    entry.partitionIndexes.push(partition)
    topics.set(name, entry)
  }
  return [...topics.values()]
}
