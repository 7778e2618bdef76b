import { AddOffsetsToTxn } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'
import { fencedCodeFor } from './producer-epoch.ts'

/**
 * AddOffsetsToTxn (25), versions 0-4.
 * Behaviour: announces that a transaction is going to commit offsets of a group. As with AddPartitionsToTxn, what begins a
 * transaction is on its way to the disk when this answers.
 * Versions: 2 knows PRODUCER_FENCED, 3 is flexible.
 * Not done: nothing.
 */
export const addOffsetsToTxn = handler(AddOffsetsToTxn, (request, broker, { version }) => {
  const { transactions, clock, storage } = broker
  const misrouted = coordinatorProblem(broker, request.transactionalId)
  if (misrouted !== undefined) return { errorCode: misrouted.code }
  const { transactionalId, producerId, producerEpoch, groupId } = request
  const nowMs = clock.steady()
  const { errorCode } = transactions.addOffsets({ transactionalId, producerId, producerEpoch, groupId, nowMs })
  storage.demand()
  return { errorCode: fencedCodeFor(version, 2, errorCode) }
})
