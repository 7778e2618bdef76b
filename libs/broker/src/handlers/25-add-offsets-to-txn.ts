import { AddOffsetsToTxn, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { fencedCodeFor } from './producer-epoch.ts'

/**
 * AddOffsetsToTxn (25), versions 0-4.
 * Behaviour: announces that a transaction is going to commit offsets of a group.
 * Versions: 2 knows PRODUCER_FENCED, 3 is flexible.
 * Not done: nothing.
 */
export const addOffsetsToTxn = handler(AddOffsetsToTxn, (request, { transactions, clock }, { version }) => {
  if (request.groupId === '') return { errorCode: KafkaError.INVALID_GROUP_ID.code }
  const { transactionalId, producerId, producerEpoch, groupId } = request
  const nowMs = clock.steady()
  const { errorCode } = transactions.addOffsets({ transactionalId, producerId, producerEpoch, groupId, nowMs })
  return { errorCode: fencedCodeFor(version, 2, errorCode) }
})
