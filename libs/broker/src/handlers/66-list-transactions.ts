import { KafkaError, ListTransactions } from '@keyfold/protocol'
import { RE2JS, RE2JSException } from 're2js'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * ListTransactions (66), versions 0-2.
 * Behaviour: all transactional ids of this coordinator, or those in the states and of the producers asked for; states
 * that Kafka does not have are echoed.
 * Versions: 1 filters by the time since the last transaction began, also one that has ended, as Kafka does; 2 by a
 * regular expression for the whole id, in RE2's syntax and bounded time.
 * Not done: nothing.
 */
export const listTransactions = handler(ListTransactions, (request, broker) => {
  const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request
  const isWanted = idFilter(transactionalIdPattern)
  if (isWanted === undefined) {
    const { code: errorCode } = KafkaError.INVALID_REGULAR_EXPRESSION
    return { errorCode, unknownStateFilters: [], transactionStates: [] }
  }
  const nowMs = broker.clock.steady()
  const found = broker.transactions.list().filter(({ transactionalId, state, producerId, startMs }) => {
    if (coordinatorProblem(broker, transactionalId) !== undefined) return false
    if (stateFilters.length > 0 && !stateFilters.includes(state)) return false
    if (producerIdFilters.length > 0 && !producerIdFilters.includes(producerId)) return false
    if (durationFilter >= 0 && nowMs - startMs <= durationFilter) return false
    return isWanted(transactionalId)
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
})

/** Which ids a pattern means; undefined for a pattern that is none. */
function idFilter(pattern: string | null): ((transactionalId: string) => boolean) | undefined {
  if (pattern === null || pattern === '') return () => true
  try {
    const compiled = RE2JS.compile(pattern)
    return (transactionalId) => compiled.matches(transactionalId)
  } catch (error) {
    if (error instanceof RE2JSException) return undefined
    throw error
  }
}

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
