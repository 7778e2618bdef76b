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
  const unknown = new Set<string>()
  const tooLarge = new Set<string>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } of partitions) {
      const offset = { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata: committedMetadata }
      const place = `${name}:${partitionIndex}`
      if (broker.partitions.get(name, partitionIndex) === undefined) unknown.add(place)
      else if (metadataProblem(broker, committedMetadata) !== undefined) tooLarge.add(place)
      else offsets.push({ topic: name, partition: partitionIndex, ...offset })
    }
  }
  const isNothing = offsets.length + tooLarge.size === 0
  const error = isNothing ? KafkaError.NONE : commit(broker, { request, offsets, adds: version >= 5 })
  const ofAll = abortableCodeFor(version, 4, error)
  // Who may not commit hears that first, except of what is not there.
  const codeOf = (place: string): number => {
    if (unknown.has(place)) return KafkaError.UNKNOWN_TOPIC_OR_PARTITION.code
    return error === KafkaError.NONE && tooLarge.has(place) ? KafkaError.OFFSET_METADATA_TOO_LARGE.code : ofAll
  }
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: codeOf(`${name}:${partitionIndex}`),
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

interface Commit {
  request: RequestOf<typeof TxnOffsetCommit>
  offsets: readonly Offset[]
  /** Committing adds the group to the transaction. */
  adds: boolean
}

function commit(broker: BrokerContext, { request, offsets, adds }: Commit): KafkaError {
  const { groups, transactions, catalog, clock } = broker
  const { groupId, memberId, groupInstanceId, generationId } = request
  if (groupId === '') return KafkaError.INVALID_GROUP_ID
  const misrouted = coordinatorProblem(broker, groupId)
  if (misrouted !== undefined) return misrouted
  const { transactionalId, producerId, producerEpoch } = request
  const transaction = { transactionalId, producerId, producerEpoch, groupId, nowMs: clock.steady() }
  const refused = transactions.admitOffsets({ ...transaction, adds })
  if (refused !== KafkaError.NONE) return refused
  const member = { groupId, memberId, groupInstanceId, generationId }
  const partitions = () => offsets.map(({ topic, partition }) => ({ topicId: catalog.get(topic)?.id ?? '', partition }))
  const error = groups.checkCommit({ ...member, isTransactional: true, answersUnknownGroup: false, partitions })
  if (error === KafkaError.NONE && offsets.length > 0) transactions.stageOffsets({ ...transaction, offsets })
  return error
}
