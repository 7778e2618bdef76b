import { InitProducerId, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'
import { fencedCodeFor } from './producer-epoch.ts'

/**
 * InitProducerId (22), versions 0-5.
 * Behaviour: a fresh producer id, or for a transactional id its next epoch, which fences whoever had it and aborts an
 * open transaction. Answers once that is durable.
 * Versions: 3 the producer may name the id and epoch it has, both or neither (KIP-360), 4 knows PRODUCER_FENCED.
 * Not done: two-phase commit (version 6, unstable in Kafka).
 */
export const initProducerId = handler(InitProducerId, async (request, broker, { version }) => {
  const { transactions, storage, clock } = broker
  const hasExpected = request.producerId !== none
  if (hasExpected !== (request.producerEpoch !== none)) return refused(KafkaError.INVALID_REQUEST)
  const misrouted = request.transactionalId && coordinatorProblem(broker, request.transactionalId)
  if (misrouted) return refused(misrouted)
  const { errorCode, producerId, producerEpoch, lsn } = transactions.initProducerId({
    transactionalId: request.transactionalId,
    timeoutMs: request.transactionTimeoutMs,
    ...(hasExpected ? { expectedProducerId: request.producerId, expectedProducerEpoch: request.producerEpoch } : {}),
    nowMs: clock.steady(),
  })
  await storage.durable(lsn)
  return { errorCode: fencedCodeFor(version, 4, errorCode), producerId, producerEpoch }
})

/** Instead of a producer id, and of an epoch. */
const none = -1

function refused({ code }: KafkaError): { errorCode: number; producerId: number; producerEpoch: number } {
  return { errorCode: code, producerId: none, producerEpoch: none }
}
