import type { KafkaError } from '@keyfold/protocol'

import type { TransactionState } from './transaction.ts'
import type { OffsetToStage } from './transaction-entries.ts'

/** Who speaks, as every request of a transactional producer says it. */
export interface ProducerRequest {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** Time in milliseconds since 1970 by a clock that does not jump. */
interface Timed {
  readonly nowMs: number
}

export interface InitProducerIdRequest extends Timed {
  readonly transactionalId: string | null
  readonly timeoutMs: number
  /** -1 or absent: none expected. */
  readonly expectedProducerId?: number
  readonly expectedProducerEpoch?: number
}

export interface PlaceInTopic {
  readonly topic: string
  readonly partition: number
}

export interface AddPartitionsRequest extends ProducerRequest, Timed {
  readonly partitions: readonly PlaceInTopic[]
}

/** A transactional batch that wants to be appended. */
export interface AdmissionRequest extends ProducerRequest, Timed, PlaceInTopic {
  /** Producing adds the partition to the transaction (Produce v12+, KIP-890); otherwise it has to be in it. */
  readonly adds: boolean
}

export interface AddOffsetsRequest extends ProducerRequest, Timed {
  readonly groupId: string
}

/** Offsets of a group that want to be part of a transaction. */
export interface OffsetAdmissionRequest extends AddOffsetsRequest {
  /** Committing adds the group to the transaction (TxnOffsetCommit v5+, KIP-890); otherwise it has to be in it. */
  readonly adds: boolean
}

export interface StageOffsetsRequest extends AddOffsetsRequest {
  readonly offsets: readonly OffsetToStage[]
}

export interface EndTxnRequest extends ProducerRequest, Timed {
  readonly committed: boolean
  /** The client takes a new epoch with every end (EndTxn v5+, KIP-890). */
  readonly bumpsEpoch: boolean
}

export interface ProducerResult {
  readonly errorCode: number
  readonly producerId: number
  readonly producerEpoch: number
  /** The journal entry to be durable before this is answered; 0 for none. */
  readonly lsn: number
}

export interface TransactionResult {
  readonly errorCode: number
  readonly lsn: number
}

export interface TransactionDescription {
  readonly errorCode: number
  readonly transactionalId: string
  /** '' for an unknown transactional id. */
  readonly state: TransactionState | ''
  readonly timeoutMs: number
  /** When the last transaction began; -1 if there was none since the producer was initialised. */
  readonly startMs: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly partitions: readonly PlaceInTopic[]
}

export function noProducer(error: KafkaError): ProducerResult {
  return { errorCode: error.code, producerId: -1, producerEpoch: -1, lsn: 0 }
}

export function failed(error: KafkaError): TransactionResult {
  return { errorCode: error.code, lsn: 0 }
}

export function done(lsn: number): TransactionResult {
  return { errorCode: 0, lsn }
}

/** The answer about a transactional id that nobody knows, or that cannot exist. */
export function describeNothing(transactionalId: string, error: KafkaError): TransactionDescription {
  const nothing = { timeoutMs: 0, startMs: 0, producerId: 0, producerEpoch: 0, partitions: [] }
  return { errorCode: error.code, transactionalId, state: '', ...nothing }
}
