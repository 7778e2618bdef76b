import { InitProducerId } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { fencedCodeFor } from './producer-epoch.ts'

/**
 * InitProducerId (22), versions 0-5.
 * Behaviour: a fresh producer id, or for a transactional id its next epoch, which fences whoever had it and aborts an
 * open transaction. Answers once that is durable.
 * Versions: 3 the producer may name the id and epoch it has (KIP-360), 4 knows PRODUCER_FENCED.
 * Not done: two-phase commit (version 6, unstable in Kafka).
 */
export const initProducerId = handler(
  InitProducerId,
  async (request, { transactions, storage, clock }, { version }) => {
    const hasExpected = request.producerId >= 0
    const { errorCode, producerId, producerEpoch, lsn } = transactions.initProducerId({
      transactionalId: request.transactionalId,
      timeoutMs: request.transactionTimeoutMs,
      ...(hasExpected ? { expectedProducerId: request.producerId, expectedProducerEpoch: request.producerEpoch } : {}),
      nowMs: clock.steady(),
    })
    await storage.durable(lsn)
    return { errorCode: fencedCodeFor(version, 4, errorCode), producerId, producerEpoch }
  },
)
