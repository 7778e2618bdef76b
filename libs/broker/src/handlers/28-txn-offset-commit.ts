import { KafkaError, type RequestOf, TxnOffsetCommit } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { metadataProblem } from './08-offset-commit.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'
import { abortableCodeFor } from './producer-epoch.ts'

/**
 * TxnOffsetCommit (28), versions 0-5.
 * Behaviour: offsets of a group that count if the transaction commits; answered once the beginning of the transaction
 * is durable. With member and generation given, whoever is no
 * longer in the group is refused (KIP-447); older clients cannot give them and are not checked.
 * Versions: 2 leader epochs, 3 member and generation, 4 knows TRANSACTION_ABORTABLE, 5 adds the group to the transaction
 * by committing (transaction version 2, KIP-890).
 * Not done: nothing.
 */
export const txnOffsetCommit = handler(TxnOffsetCommit, (request, broker, { version }) => {
  const offsets: Offset[] = []
  const failures = new Map<string, KafkaError>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } of partitions) {
      const error = problemOf(broker, { topic: name, partition: partitionIndex, metadata: committedMetadata })
      const offset = { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata: committedMetadata }
      if (error === undefined) offsets.push({ topic: name, partition: partitionIndex, ...offset })
      else failures.set(`${name}:${partitionIndex}`, error)
    }
  }
  const ofAll = abortableCodeFor(version, 4, commit(broker, { request, offsets, adds: version >= 5 }))
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: failures.get(`${name}:${partitionIndex}`)?.code ?? ofAll,
    })),
  }))
  return broker.storage.durable(broker.transactions.begunAt(request.transactionalId)).then(() => ({ topics }))
})

interface Offset {
  topic: string
  partition: number
  offset: number
  leaderEpoch: number
  metadata: string | null
}

function problemOf(
  broker: BrokerContext,
  { topic, partition, metadata }: Pick<Offset, 'topic' | 'partition' | 'metadata'>,
): KafkaError | undefined {
  if (broker.partitions.get(topic, partition) === undefined) return KafkaError.UNKNOWN_TOPIC_OR_PARTITION
  return metadataProblem(broker, metadata)
}

interface Commit {
  request: RequestOf<typeof TxnOffsetCommit>
  offsets: readonly Offset[]
  /** Committing adds the group to the transaction. */
  adds: boolean
}

function commit(broker: BrokerContext, { request, offsets, adds }: Commit): KafkaError {
  const { groups, transactions, clock } = broker
  const { groupId, memberId, groupInstanceId, generationId } = request
  if (groupId === '') return KafkaError.INVALID_GROUP_ID
  const misrouted = coordinatorProblem(broker, groupId)
  if (misrouted !== undefined) return misrouted
  if (offsets.length === 0) return KafkaError.NONE
  const { transactionalId, producerId, producerEpoch } = request
  const transaction = { transactionalId, producerId, producerEpoch, groupId, nowMs: clock.steady() }
  const refused = transactions.admitOffsets({ ...transaction, adds })
  if (refused !== KafkaError.NONE) return refused
  const member = { groupId, memberId, groupInstanceId, generationId }
  const error = groups.checkCommit({ ...member, isTransactional: true, answersUnknownGroup: false })
  if (error === KafkaError.NONE) transactions.stageOffsets({ ...transaction, offsets })
  return error
}
