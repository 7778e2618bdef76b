import { EndTxn } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { fencedCodeFor } from './producer-epoch.ts'

/**
 * EndTxn (26), versions 0-4.
 * Behaviour: commits or aborts a transaction with everything in it, records and offsets, in one journal entry; answers
 * once that, and with it all the transaction wrote, is durable.
 * Versions: 2 knows PRODUCER_FENCED, 3 is flexible.
 * Not done: version 5, in which every transaction has an epoch of its own (transaction version 2, KIP-890).
 */
export const endTxn = handler(
  EndTxn,
  async (request, { transactions, storage, clock }, { version }) => {
    const { transactionalId, producerId, producerEpoch, committed } = request
    const nowMs = clock.steady()
    const ended = transactions.endTxn({ transactionalId, producerId, producerEpoch, committed, nowMs })
    await storage.durable(ended.lsn)
    return { errorCode: fencedCodeFor(version, 2, ended.errorCode) }
  },
  { versions: [0, 4] },
)
