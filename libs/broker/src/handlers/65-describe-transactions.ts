import { DescribeTransactions } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * DescribeTransactions (65), version 0.
 * Behaviour: state, producer and partitions of transactional ids; TRANSACTIONAL_ID_NOT_FOUND for unknown ones.
 * Versions: only 0.
 * Not done: nothing.
 */
export const describeTransactions = handler(DescribeTransactions, (request, { transactions }) => ({
  transactionStates: request.transactionalIds.map((transactionalId) => {
    const { errorCode, state, timeoutMs, startMs, producerId, producerEpoch, partitions } =
      transactions.describe(transactionalId)
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
