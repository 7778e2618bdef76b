import { MalformedBytes } from '@keyfold/bytes'
import {
  batchAttributes,
  batchPayload,
  compressionCodecs,
  compressionName,
  readBatchHeader,
  type ReadRecordsOptions,
  type RecordBatchHeader,
  recordBatchHeaderBytes,
  recordBatchLayout,
  UnsupportedCompression,
} from '@keyfold/protocol'

import { withPayload } from '../recompression.ts'
import type { NewestOffsets } from './newest-offsets.ts'
import { type RawRecord, rawRecords, withTimestampDelta } from './raw-records.ts'
import type { TransactionTrail } from './transaction-trail.ts'

/** What a compaction knows when it comes to a batch. */
export interface CleaningRules {
  readonly newest: NewestOffsets
  /** Records from here on have not been looked at: they all stay. */
  readonly newestEnd: number
  readonly trail: TransactionTrail
  /** Whether the state of a producer that is still known comes from this batch. */
  readonly isNeededByProducer: (header: RecordBatchHeader) => boolean
  readonly nowMs: number
  readonly deleteRetentionMs: number
  readonly reading: ReadRecordsOptions
}

/**
 * What compaction leaves of a batch: the batch itself, one with fewer records, one without any (for its producer's
 * sequence), or nothing. Offsets never change, and a rewritten batch keeps its header, gaps and all (statements 79-81).
 */
export function cleanedBatch(batch: Buffer, rules: CleaningRules): Buffer | undefined {
  const header = readBatchHeader(batch)
  const isNeedless = rules.trail.pass(batch, header)
  const horizonMs = deleteHorizonOf(header)
  const isNeeded = header.producerId >= 0 && rules.isNeededByProducer(header)
  if (header.isControl) {
    if (!isNeedless) return batch
    if (horizonMs === undefined) return rebuilt(batch, header, { ...rules, kept: undefined, isStamped: true })
    if (horizonMs > rules.nowMs) return batch
    return isNeeded ? emptied(batch) : undefined
  }
  if (isNeedless) return isNeeded ? emptied(batch) : undefined
  const kept = keptRecords(batch, header, rules)
  // A batch that cannot be read stays as it is.
  if (kept === undefined) return batch
  if (kept.length === 0) return isNeeded ? emptied(batch) : undefined
  const isStamped = horizonMs === undefined && kept.some(({ isTombstone }) => isTombstone)
  if (kept.length === header.recordCount && !isStamped) return batch
  return rebuilt(batch, header, { ...rules, kept, isStamped })
}

/** When tombstones and markers of the batch may go; undefined before their first compaction set the time. */
export function deleteHorizonOf({ attributes, baseTimestamp }: RecordBatchHeader): number | undefined {
  return (attributes & batchAttributes.deleteHorizon) === 0 ? undefined : baseTimestamp
}

function keptRecords(batch: Buffer, header: RecordBatchHeader, rules: CleaningRules): RawRecord[] | undefined {
  const records = readableRecords(batch, header, rules.reading)
  const horizonMs = deleteHorizonOf(header)
  const mayDropTombstones = horizonMs !== undefined && horizonMs <= rules.nowMs
  return records?.filter(({ key, offsetDelta, isTombstone }) => {
    const offset = header.baseOffset + offsetDelta
    if (offset >= rules.newestEnd) return true
    if (key === null || offset < rules.newest.get(key)) return false
    return !isTombstone || !mayDropTombstones
  })
}

/** The records of a batch; undefined if they cannot be read: no compressor, or bytes that break their layout. */
export function readableRecords(
  batch: Buffer,
  { recordCount }: RecordBatchHeader,
  reading: ReadRecordsOptions,
): RawRecord[] | undefined {
  try {
    return [...rawRecords(batchPayload(batch, 0, reading), recordCount)]
  } catch (error) {
    if (error instanceof MalformedBytes || error instanceof UnsupportedCompression) return undefined
    throw error
  }
}

interface Rebuild extends CleaningRules {
  /** Undefined for all. */
  readonly kept: readonly RawRecord[] | undefined
  /** Whether the time is set at which tombstones may go: it takes the place of the base timestamp (KIP-534). */
  readonly isStamped: boolean
}

function rebuilt(batch: Buffer, header: RecordBatchHeader, change: Rebuild): Buffer {
  const kept = change.kept ?? readableRecords(batch, header, change.reading)
  if (kept === undefined) return batch
  const head = Buffer.from(batch.subarray(0, recordBatchHeaderBytes))
  const baseTimestamp = change.isStamped ? change.nowMs + change.deleteRetentionMs : header.baseTimestamp
  if (change.isStamped) {
    head.writeInt16BE(header.attributes | batchAttributes.deleteHorizon, recordBatchLayout.attributes)
    head.writeBigInt64BE(BigInt(baseTimestamp), recordBatchLayout.baseTimestamp)
  }
  if (header.timestampType === 0) {
    const newest = Math.max(...kept.map(({ timestampDelta }) => header.baseTimestamp + timestampDelta))
    head.writeBigInt64BE(BigInt(newest), recordBatchLayout.maxTimestamp)
  }
  head.writeInt32BE(kept.length, recordBatchLayout.recordCount)
  const shift = header.baseTimestamp - baseTimestamp
  const records = kept.map((record) =>
    change.isStamped ? withTimestampDelta(record, record.timestampDelta + shift) : record.bytes,
  )
  const payload = Buffer.concat(records)
  const name = compressionName(header.compression)
  const compressor = name === undefined || name === 'none' ? undefined : change.reading.compressors?.[name]
  return withPayload(head, compressor?.compress(payload) ?? payload, header.compression)
}

/** The header of a batch with no records behind it. */
function emptied(batch: Buffer): Buffer {
  const head = Buffer.from(batch.subarray(0, recordBatchHeaderBytes))
  const { attributes } = readBatchHeader(batch)
  head.writeInt16BE(attributes & ~batchAttributes.deleteHorizon, recordBatchLayout.attributes)
  head.writeBigInt64BE(-1n, recordBatchLayout.baseTimestamp)
  head.writeInt32BE(0, recordBatchLayout.recordCount)
  return withPayload(head, Buffer.alloc(0), compressionCodecs.none)
}
