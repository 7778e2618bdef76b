import { BufferReader, BufferWriter } from '@keyfold/bytes'
import { buildRecordBatch } from './record-batch-builder.ts'
import type { KafkaRecord } from './record-reader.ts'

/** How a transaction ended, as its marker says. */
export type TransactionOutcome = 'commit' | 'abort'

export interface TransactionMarker {
  readonly type: TransactionOutcome
  /** Epoch of the coordinator that wrote the marker. */
  readonly coordinatorEpoch: number
}

export interface ControlBatchInput extends TransactionMarker {
  readonly baseOffset: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly partitionLeaderEpoch: number
}

/** Type numbers in a control record's key (KIP-98). */
const outcomeIds = { abort: 0, commit: 1 } as const

/** The batch of one control record that ends a transaction on a partition. */
export function buildControlBatch({ type, coordinatorEpoch, timestamp, ...batch }: ControlBatchInput): Buffer {
  const key = new BufferWriter(4)
  key.writeInt16(0) // version of the key
  key.writeInt16(outcomeIds[type])
  const value = new BufferWriter(6)
  value.writeInt16(0) // version of the value
  value.writeInt32(coordinatorEpoch)
  return buildRecordBatch({
    ...batch,
    timestamp,
    records: [{ key: key.toBuffer(), value: value.toBuffer() }],
    isTransactional: true,
    isControl: true,
  })
}

/**
 * The transaction marker in a record of a control batch; undefined for other kinds of control records.
 * Only the batch header's `isControl` says that a record is one: a user's key may have the same bytes.
 * Throws MalformedBytes when key or value are too short.
 */
export function readTransactionMarker({
  key,
  value,
}: Pick<KafkaRecord, 'key' | 'value'>): TransactionMarker | undefined {
  const keyReader = new BufferReader(key ?? empty)
  keyReader.readInt16()
  const id = keyReader.readInt16()
  if (id !== outcomeIds.abort && id !== outcomeIds.commit) return undefined
  const valueReader = new BufferReader(value ?? empty)
  valueReader.readInt16()
  return { type: id === outcomeIds.commit ? 'commit' : 'abort', coordinatorEpoch: valueReader.readInt32() }
}

const empty = Buffer.alloc(0)
