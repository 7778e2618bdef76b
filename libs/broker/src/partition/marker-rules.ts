import { KafkaError } from '@keyfold/protocol'

import type { ProducerDescription } from './producer-states.ts'

/** A transaction marker that an administrator or another coordinator wants to be written. */
export interface MarkerRequest {
  readonly producerId: number
  readonly producerEpoch: number
  readonly committed: boolean
  readonly coordinatorEpoch: number
  /** The generation of the transaction that the marker ends; 0 if it is not said. */
  readonly transactionVersion: number
  readonly nowMs: number
}

/**
 * Why a marker is not written (statement 30). Where every transaction has an epoch of its own, its end has a greater
 * one than its records: a marker of the same epoch would be a late one, of the transaction before (KIP-1228).
 */
export function markerProblem(
  { producerEpoch, coordinatorEpoch, transactionVersion }: MarkerRequest,
  producer: Pick<ProducerDescription, 'producerEpoch' | 'coordinatorEpoch'> | undefined,
  isOpen: boolean,
): KafkaError | undefined {
  if (producerEpoch < 0) return KafkaError.INVALID_PRODUCER_EPOCH
  if (producer === undefined) return undefined
  const isLate = transactionVersion >= 2 && isOpen && producerEpoch === producer.producerEpoch
  if (producerEpoch < producer.producerEpoch || isLate) return KafkaError.INVALID_PRODUCER_EPOCH
  if (coordinatorEpoch < producer.coordinatorEpoch) return KafkaError.TRANSACTION_COORDINATOR_FENCED
  return undefined
}
