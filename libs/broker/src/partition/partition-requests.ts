import type { KafkaError } from '@keyfold/protocol'

import type { RecordError } from './batch-validation.ts'
import type { AbortedTransaction } from './transaction-index.ts'

export type Isolation = 'read_uncommitted' | 'read_committed'

export interface AppendRequest {
  /** What the client sent for this partition; offsets are written into it. */
  readonly batch: Buffer
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Version of the Produce request; default the newest. */
  readonly apiVersion?: number
  /** The transaction coordinator knows this partition as part of the producer's transaction. */
  readonly isTransactionVerified?: boolean
  /** A producer that is new to the partition has to start at sequence 0 (transaction version 2, KIP-890). */
  readonly mustStartAtZero?: boolean
}

export interface AppendResult {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly recordErrors: readonly RecordError[]
  readonly baseOffset: number
  /** -1 unless the topic has LogAppendTime, or the batch was there already: then that one's largest timestamp. */
  readonly logAppendTimeMs: number
  /** -1 where the log was not asked. */
  readonly logStartOffset: number
  /** The journal entry that has to be durable before the append is acknowledged; 0 after an error. */
  readonly lsn: number
}

export interface ReadRequest {
  readonly offset: number
  readonly maxBytes: number
  readonly isolation: Isolation
  readonly minOneBatch: boolean
}

/** A read that knows where it has to end. */
export interface RangeRead extends Pick<ReadRequest, 'offset' | 'maxBytes' | 'isolation'> {
  readonly endOffset: number
}

export interface ReadResult {
  readonly errorCode: number
  /** Whole batches; one buffer may hold several. */
  readonly records: readonly Buffer[]
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Sorted by first offset; null for read_uncommitted, after an error, and where the first batch had no room. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
}

/** The answer to a read that failed. */
export function noRecords(error: KafkaError): ReadResult {
  return {
    errorCode: error.code,
    records: [],
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
  }
}
