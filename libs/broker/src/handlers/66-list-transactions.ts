import { KafkaError, ListTransactions } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * ListTransactions (66), versions 0-1.
 * Behaviour: all transactional ids, or those in the states and of the producers asked for; states that Kafka does not
 * have are echoed.
 * Versions: 1 filters by how long a transaction has been running.
 * Not done: version 2 filters ids by a regular expression, for which an engine with bounded time is needed.
 */
export const listTransactions = handler(
  ListTransactions,
  (request, { transactions, clock }) => {
    const { stateFilters, producerIdFilters, durationFilter } = request
    const nowMs = clock.steady()
    const found = transactions.list().filter(({ state, producerId, startMs }) => {
      if (stateFilters.length > 0 && !stateFilters.includes(state)) return false
      if (producerIdFilters.length > 0 && !producerIdFilters.includes(producerId)) return false
      return durationFilter < 0 || (startMs >= 0 && nowMs - startMs > durationFilter)
    })
    return {
      errorCode: KafkaError.NONE.code,
      unknownStateFilters: stateFilters.filter((state) => !kafkaStates.has(state)),
      transactionStates: found.map(({ transactionalId, producerId, state }) => ({
        transactionalId,
        producerId,
        transactionState: state,
      })),
    }
  },
  { versions: [0, 1] },
)

/** Prepare states do not occur here, but asking for them is no mistake. */
const kafkaStates = new Set([
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
])
