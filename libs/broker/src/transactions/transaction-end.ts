import { KafkaError } from '@keyfold/protocol'

import { epochMax, ownerOf } from './producer-initialisation.ts'
import type { Owner, Transaction } from './transaction.ts'
import type { EndTxnRequest } from './transaction-requests.ts'

/** What to make of EndTxn. */
export type EndVerdict =
  | { readonly kind: 'refused'; readonly error: KafkaError }
  /** It was done already: the same answer again. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'ends' }

/**
 * Decides what EndTxn does (statements 16, 27). A client that takes a new epoch with every end (KIP-890) repeats a
 * request with the epoch before, so that its repetition cannot be taken for the end of its next transaction. With the
 * current epoch it may abort a transaction that never began: its first request may have failed on the way.
 */
export function judgeEnd(transaction: Transaction, request: EndTxnRequest): EndVerdict {
  const { bumpsEpoch, committed } = request
  const { state } = transaction
  const isSameEnd = state === (committed ? 'CompleteCommit' : 'CompleteAbort')
  if (bumpsEpoch && isRetryOfBump(transaction, request)) return isSameEnd ? repeated : refused.state
  if (transaction.producerId !== request.producerId) return refused.mapping
  if (transaction.producerEpoch !== request.producerEpoch) return refused.fenced
  if (state === 'Ongoing') return ends
  if (bumpsEpoch) return committed ? refused.state : ends
  return isSameEnd ? repeated : refused.state
}

/** The owner once its epoch went up with the end of a transaction; epochs that are used up mean a new producer id. */
export function bumpedOwner(owner: Owner, newProducerId: () => number): Owner {
  const { producerId, producerEpoch } = owner
  if (producerEpoch < epochMax) {
    return { ...ownerOf(owner), producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch }
  }
  const lastProducerEpoch = producerEpoch
  return { producerId: newProducerId(), producerEpoch: 0, lastProducerEpoch, previousProducerId: producerId }
}

/** The owner after an end that leaves the epoch alone: nothing that came before it is to be taken for a retry. */
export function sameOwner(owner: Owner): Owner {
  return { ...ownerOf(owner), lastProducerEpoch: -1 }
}

const ends: EndVerdict = { kind: 'ends' }
const repeated: EndVerdict = { kind: 'repeated' }
const refused = {
  state: { kind: 'refused', error: KafkaError.INVALID_TXN_STATE },
  mapping: { kind: 'refused', error: KafkaError.INVALID_PRODUCER_ID_MAPPING },
  fenced: { kind: 'refused', error: KafkaError.PRODUCER_FENCED },
} as const satisfies Record<string, EndVerdict>

/** The end of this epoch's transaction is done, and the producer has not learnt its new epoch. */
function isRetryOfBump(transaction: Transaction, { producerId, producerEpoch }: EndTxnRequest): boolean {
  const { state, lastProducerEpoch, previousProducerId } = transaction
  if (state !== 'CompleteCommit' && state !== 'CompleteAbort') return false
  const isRotated = transaction.producerEpoch === 0 && producerId === previousProducerId
  return producerEpoch === lastProducerEpoch && (producerId === transaction.producerId || isRotated)
}
