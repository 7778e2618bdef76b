import { KafkaError } from '@keyfold/protocol'

import type { Owner, Transaction } from './transaction.ts'

/** The last epoch that is given to a producer; one more is left for the marker that fences it. */
export const epochMax = 32_766

/** What InitProducerId claims to be, if it says so (v3+). */
export interface ExpectedProducer {
  readonly producerId: number
  readonly producerEpoch: number
}

export type Initialisation =
  | { readonly kind: 'refused'; readonly error: KafkaError }
  /** The running transaction has to be aborted first. */
  | { readonly kind: 'fence' }
  | { readonly kind: 'owned'; readonly owner: Owner }
  /** The epochs are used up: a new producer id is needed, with epoch 0. */
  | { readonly kind: 'rotate'; readonly previous: Owner }

/** Decides who owns a transactional id after InitProducerId (KIP-360, statements 21 to 24). */
export function initialise(transaction: Transaction, expected: ExpectedProducer | undefined): Initialisation {
  if (expected !== undefined && !isKnown(transaction, expected)) return fenced
  if (transaction.state === 'Ongoing') return { kind: 'fence' }
  const { producerId, producerEpoch, lastProducerEpoch } = transaction
  const isCurrent =
    expected === undefined || (expected.producerId === producerId && expected.producerEpoch === producerEpoch)
  if (isCurrent) {
    if (producerEpoch >= epochMax) return { kind: 'rotate', previous: ownerOf(transaction) }
    const lastKnown = expected === undefined ? -1 : producerEpoch
    return {
      kind: 'owned',
      owner: { ...ownerOf(transaction), producerEpoch: producerEpoch + 1, lastProducerEpoch: lastKnown },
    }
  }
  // The answer to the same request was lost, or the epoch went up with an end whose answer was: it gets it again.
  if (expected.producerEpoch === lastProducerEpoch) return { kind: 'owned', owner: ownerOf(transaction) }
  return fenced
}

export function ownerOf(owner: Owner): Owner {
  const { producerId, producerEpoch, lastProducerEpoch, previousProducerId } = owner
  return { producerId, producerEpoch, lastProducerEpoch, previousProducerId }
}

const fenced: Initialisation = { kind: 'refused', error: KafkaError.PRODUCER_FENCED }

function isKnown(transaction: Transaction, expected: ExpectedProducer): boolean {
  return expected.producerId === transaction.producerId || isRetryOfRotation(transaction, expected)
}

/** The producer got a new id when its epochs ran out, but did not learn it. */
function isRetryOfRotation(transaction: Transaction, expected: ExpectedProducer): boolean {
  return expected.producerId === transaction.previousProducerId && expected.producerEpoch >= epochMax
}
