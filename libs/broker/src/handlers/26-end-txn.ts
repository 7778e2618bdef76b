import { EndTxn } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'
import { fencedCodeFor } from './producer-epoch.ts'

/**
 * EndTxn (26), versions 0-5.
 * Behaviour: commits or aborts a transaction with everything in it, records and offsets, in one journal entry; answers
 * once that, and with it all the transaction wrote, is durable.
 * Versions: 2 knows PRODUCER_FENCED, 3 is flexible, 5 gives every transaction an epoch of its own: the answer names the
 * next one (transaction version 2, KIP-890).
 * Not done: nothing.
 */
export const endTxn = handler(EndTxn, async (request, broker, { version }) => {
  const { transactions, storage, clock } = broker
  const misrouted = coordinatorProblem(broker, request.transactionalId)
  if (misrouted !== undefined) return { errorCode: misrouted.code }
  const { transactionalId, producerId, producerEpoch, committed } = request
  const end = { transactionalId, producerId, producerEpoch, committed, bumpsEpoch: version >= 5, nowMs: clock.steady() }
  const { errorCode, lsn, ...producer } = transactions.endTxn(end)
  await storage.durable(lsn)
  return { errorCode: fencedCodeFor(version, 2, errorCode), ...producer }
})
