import { KafkaError, OffsetCommit, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { CommittedPartition } from '../group-coordinator/offset-commit.ts'
import type { OffsetEntry } from '../group-coordinator/offsets.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'
import { findTopic } from './topic-of.ts'

/**
 * OffsetCommit (8), versions 2-10.
 * Behaviour: stores how far a group has read and answers once that is durable; one bad partition does not keep the
 * others from being stored, a refused member does.
 * Versions: 2-4 may bring their own retention, 6 adds leader epochs, 7 static members, 9 has an error for unknown
 * groups and tells members of consumer groups that their epoch is stale (KIP-848), 10 names topics by id.
 * Not done: nothing.
 */
export const offsetCommit = handler(OffsetCommit, async (request, broker, { version }) => {
  const refusal = once(() => refusalOf(request, broker, version))
  const entries: OffsetEntry[] = []
  const topics = request.topics.map(({ name, topicId, partitions }) => {
    const { topic, error } = findTopic(broker.catalog, { name, topicId }, version >= 10 ? 'id' : 'name')
    const results = partitions.map((partition) => {
      const log = topic === undefined ? undefined : broker.partitions.get(topic.name, partition.partitionIndex)
      const failure =
        log === undefined
          ? (error ?? KafkaError.UNKNOWN_TOPIC_OR_PARTITION)
          : (refusal() ?? metadataProblem(broker, partition.committedMetadata))
      if (failure === undefined && topic !== undefined) {
        entries.push(toEntry(request, broker, { topic: topic.name, ...partition }))
      }
      return { partitionIndex: partition.partitionIndex, errorCode: (failure ?? KafkaError.NONE).code }
    })
    return { name, topicId, partitions: results }
  })
  if (entries.length > 0) await broker.storage.durable(broker.groups.commit(request.groupId, entries))
  return { throttleTimeMs: 0, topics }
})

type Request = RequestOf<typeof OffsetCommit>

/** Looks at the member at the first partition that exists: a commit of none makes no group. */
function once<T>(look: () => T): () => T {
  let seen: { readonly value: T } | undefined
  return () => (seen ??= { value: look() }).value
}

function refusalOf(request: Request, broker: BrokerContext, version: number): KafkaError | undefined {
  const { groups, storage } = broker
  const misrouted = coordinatorProblem(broker, request.groupId)
  if (misrouted !== undefined) return misrouted
  if (!storage.acceptsWrites) return KafkaError.KAFKA_STORAGE_ERROR
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = request
  const member = { groupId, memberId, groupInstanceId, generationId }
  const partitions = () => partitionsOf(request, broker, version)
  const error = groups.checkCommit({ ...member, isTransactional: false, answersUnknownGroup: version >= 9, partitions })
  return error === KafkaError.NONE ? undefined : error
}

function partitionsOf({ topics }: Request, { catalog }: BrokerContext, version: number): CommittedPartition[] {
  return topics.flatMap((asked) => {
    const { topic } = findTopic(catalog, asked, version >= 10 ? 'id' : 'name')
    if (topic === undefined) return []
    const known = asked.partitions.filter(({ partitionIndex }) => partitionIndex < topic.partitionCount)
    return known.map(({ partitionIndex }) => ({ topicId: topic.id, partition: partitionIndex }))
  })
}

export function metadataProblem({ config }: BrokerContext, metadata: string | null): KafkaError | undefined {
  const bytes = metadata === null ? 0 : Buffer.byteLength(metadata)
  return bytes > config.number('offset.metadata.max.bytes') ? KafkaError.OFFSET_METADATA_TOO_LARGE : undefined
}

function toEntry(
  request: Request,
  { clock }: BrokerContext,
  commit: { topic: string } & Request['topics'][number]['partitions'][number],
): OffsetEntry {
  const timestampMs = clock.wall()
  return {
    topic: commit.topic,
    partition: commit.partitionIndex,
    offset: commit.committedOffset,
    leaderEpoch: commit.committedLeaderEpoch,
    metadata: commit.committedMetadata,
    timestampMs,
    expireTimestampMs: request.retentionTimeMs < 0 ? -1 : timestampMs + request.retentionTimeMs,
  }
}
