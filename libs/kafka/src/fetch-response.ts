import { BufferReader } from '@keyfold/bytes'

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** What one partition's fetch brought. */
export interface FetchedPartition {
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly abortedTransactions: readonly AbortedTransaction[]
  readonly batches: Buffer
}

/**
 * Decodes a Fetch response, version 11, of a request for one partition. kafkajs's own decoder loses what a correct
 * read_committed filter needs: the borders of batches and the control bit.
 */
export function decodeFetchResponse(payload: Buffer): FetchedPartition {
  const reader = new BufferReader(payload)
  reader.readInt32() // throttle time
  const topLevelError = reader.readInt16()
  reader.readInt32() // session id
  const topics = reader.readInt32()
  if (topLevelError !== 0 || topics !== 1) return failed(topLevelError === 0 ? unknownServerError : topLevelError)
  reader.readString()
  if (reader.readInt32() !== 1) return failed(unknownServerError)
  reader.readInt32() // partition
  const errorCode = reader.readInt16()
  const highWatermark = reader.readInt64()
  const lastStableOffset = reader.readInt64()
  reader.readInt64() // log start offset
  const abortedTransactions: AbortedTransaction[] = []
  for (let left = reader.readInt32(); left > 0; left--)
    abortedTransactions.push({ producerId: reader.readInt64(), firstOffset: reader.readInt64() })
  reader.readInt32() // preferred read replica
  const batches = reader.readNullableBytes() ?? Buffer.alloc(0)
  return { errorCode, highWatermark, lastStableOffset, abortedTransactions, batches }
}

const unknownServerError = -1

function failed(errorCode: number): FetchedPartition {
  return { errorCode, highWatermark: -1, lastStableOffset: -1, abortedTransactions: [], batches: Buffer.alloc(0) }
}
