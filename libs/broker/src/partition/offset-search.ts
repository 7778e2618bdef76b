import { MalformedBytes } from '@keyfold/bytes'
import {
  KafkaError,
  readBatchHeader,
  readRecords,
  type ReadRecordsOptions,
  UnsupportedCompression,
} from '@keyfold/protocol'
import { type PartitionLog, type Storage, StorageError } from '@keyfold/storage'

/** The answer of ListOffsets for one partition. */
export interface FoundOffset {
  readonly errorCode: number
  /** -1 where Kafka gives none. */
  readonly timestamp: number
  /** -1: there is no such offset. */
  readonly offset: number
}

/** ListOffsets timestamps that are questions of their own. */
const questions = { latest: -1, earliest: -2, maxTimestamp: -3, earliestLocal: -4, latestTiered: -5 } as const

interface OffsetSearch {
  readonly storage: Storage
  readonly log: PartitionLog
  readonly reading: ReadRecordsOptions
  readonly timestamp: number
  /** End of what the asker may see. */
  readonly endOffset: number
}

const notFound: FoundOffset = { errorCode: 0, timestamp: -1, offset: -1 }

/** Finds the offset that ListOffsets asks for: of a record, also within compressed batches (statements 47 and 48). */
export async function findOffset(search: OffsetSearch): Promise<FoundOffset> {
  const { log, timestamp, endOffset } = search
  try {
    switch (timestamp) {
      case questions.latest:
        return { errorCode: 0, timestamp: -1, offset: endOffset }
      case questions.earliest:
      case questions.earliestLocal:
        return { errorCode: 0, timestamp: -1, offset: log.logStartOffset }
      case questions.maxTimestamp:
        return await findNewest(search)
      default:
        return timestamp < 0 ? notFound : await findAtTime(search)
    }
  } catch (error) {
    if (error instanceof StorageError) return { ...notFound, errorCode: KafkaError.KAFKA_STORAGE_ERROR.code }
    throw error
  }
}

async function findAtTime({ storage, log, reading, timestamp, endOffset }: OffsetSearch): Promise<FoundOffset> {
  let fromOffset = log.logStartOffset
  for (;;) {
    const batch = await storage.batchAtTime(log, { timestamp, fromOffset, endOffset })
    if (batch === undefined) return notFound
    const found = recordAt(batch, { timestamp, fromOffset, reading })
    if (found !== undefined) return found
    // The record that is late enough lies before the start of the log.
    fromOffset = readBatchHeader(batch).lastOffset + 1
  }
}

/** The first record with the largest timestamp of the log; as with Kafka also one before its start, while it is there. */
async function findNewest({ storage, log, reading, endOffset }: OffsetSearch): Promise<FoundOffset> {
  const newest = Math.max(-1, ...log.segments.map((segment) => segment.maxTimestamp))
  if (newest < 0) return notFound
  const fromOffset = log.segments[0]?.baseOffset ?? log.logStartOffset
  const batch = await storage.batchAtTime(log, { timestamp: newest, fromOffset, endOffset })
  return (batch && recordAt(batch, { timestamp: newest, fromOffset, reading })) ?? notFound
}

function recordAt(
  batch: Buffer,
  { timestamp, fromOffset, reading }: { timestamp: number; fromOffset: number; reading: ReadRecordsOptions },
): FoundOffset | undefined {
  try {
    for (const record of readRecords(batch, 0, reading)) {
      if (record.offset >= fromOffset && record.timestamp >= timestamp) {
        return { errorCode: 0, timestamp: record.timestamp, offset: record.offset }
      }
    }
    return undefined
  } catch (error) {
    if (!(error instanceof UnsupportedCompression) && !(error instanceof MalformedBytes)) throw error
    // Records that this broker cannot look into: the batch is as near as it gets.
    const { baseOffset, maxTimestamp } = readBatchHeader(batch)
    return { errorCode: 0, timestamp: maxTimestamp, offset: Math.max(baseOffset, fromOffset) }
  }
}
