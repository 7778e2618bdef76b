import { KafkaError, type RequestOf, TxnOffsetCommit } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { metadataProblem } from './08-offset-commit.ts'
import { handler } from './handler.ts'
import { fencedCodeFor } from './producer-epoch.ts'

/**
 * TxnOffsetCommit (28), versions 0-4.
 * Behaviour: offsets of a group that count if the transaction commits. With member and generation given, whoever is no
 * longer in the group is refused (KIP-447); older clients cannot give them and are not checked.
 * Versions: 2 leader epochs, 3 member and generation.
 * Not done: version 5 (transaction version 2, KIP-890).
 */
export const txnOffsetCommit = handler(
  TxnOffsetCommit,
  (request, broker, { version }) => {
    const offsets: Offset[] = []
    const failures = new Map<string, KafkaError>()
    for (const { name, partitions } of request.topics) {
      for (const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } of partitions) {
        const error = problemOf(broker, name, committedMetadata)
        const offset = { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata: committedMetadata }
        if (error === undefined) offsets.push({ topic: name, partition: partitionIndex, ...offset })
        else failures.set(`${name}:${partitionIndex}`, error)
      }
    }
    const ofAll = fencedCodeFor(version, 3, commit(request, broker, offsets))
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: failures.get(`${name}:${partitionIndex}`)?.code ?? ofAll,
      })),
    }))
    return { topics }
  },
  { versions: [0, 4] },
)

interface Offset {
  topic: string
  partition: number
  offset: number
  leaderEpoch: number
  metadata: string | null
}

function problemOf(broker: BrokerContext, topic: string, metadata: string | null): KafkaError | undefined {
  if (broker.catalog.get(topic) === undefined) return KafkaError.UNKNOWN_TOPIC_OR_PARTITION
  return metadataProblem(broker, metadata)
}

function commit(
  request: RequestOf<typeof TxnOffsetCommit>,
  { groups, transactions, clock }: BrokerContext,
  offsets: readonly Offset[],
): number {
  const { groupId, memberId, groupInstanceId, generationId } = request
  if (groupId === '') return KafkaError.INVALID_GROUP_ID.code
  const member = { groupId, memberId, groupInstanceId, generationId }
  const error = groups.checkCommit({ ...member, isTransactional: true, answersUnknownGroup: false })
  if (error !== KafkaError.NONE || offsets.length === 0) return error.code
  const { transactionalId, producerId, producerEpoch } = request
  const nowMs = clock.steady()
  return transactions.txnOffsetCommit({ transactionalId, producerId, producerEpoch, groupId, offsets, nowMs }).errorCode
}
