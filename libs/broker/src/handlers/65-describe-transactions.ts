import { DescribeTransactions } from '@keyfold/protocol'
import { describeNothing } from '../transactions/transaction-requests.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * DescribeTransactions (65), version 0.
 * Behaviour: state, producer and partitions of transactional ids; TRANSACTIONAL_ID_NOT_FOUND for unknown ones,
 * INVALID_REQUEST for an empty one. The start is that of the last transaction, also when it has ended.
 * Versions: only 0.
 * Not done: nothing.
 */
export const describeTransactions = handler(DescribeTransactions, (request, broker) => ({
  transactionStates: request.transactionalIds.map((transactionalId) => {
    const misrouted = coordinatorProblem(broker, transactionalId)
    const { errorCode, state, timeoutMs, startMs, producerId, producerEpoch, partitions } =
      misrouted === undefined
        ? broker.transactions.describe(transactionalId)
        : describeNothing(transactionalId, misrouted)
    const topics = Map.groupBy(partitions, ({ topic }) => topic)
    return {
      errorCode,
      transactionalId,
      transactionState: state,
      transactionTimeoutMs: timeoutMs,
      transactionStartTimeMs: startMs,
      producerId,
      producerEpoch,
      topics: Array.from(topics, ([topic, of]) => ({ topic, partitions: of.map(({ partition }) => partition) })),
    }
  }),
}))
