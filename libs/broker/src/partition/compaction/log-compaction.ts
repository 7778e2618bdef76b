import { readBatchHeader, type ReadRecordsOptions, type RecordBatchHeader } from '@keyfold/protocol'
import { eachBatch, type EntryToAppend, type PartitionLog, type Segment, type Storage } from '@keyfold/storage'

import type { PartitionConfig } from '../partition-config.ts'
import type { EndedTransaction } from '../transaction-index.ts'
import { cleanedBatch, readableRecords } from './batch-cleaning.ts'
import { NewestOffsets } from './newest-offsets.ts'
import { TransactionTrail } from './transaction-trail.ts'

/** What is compacted of a log, and how much it needs it. */
export interface CompactionPlan {
  readonly segments: readonly Segment[]
  /** Share of the bytes that no compaction has seen. */
  readonly dirtyRatio: number
  readonly isDue: boolean
}

export interface CompactionLimits {
  readonly config: PartitionConfig
  readonly lastStableOffset: number
  readonly nowMs: number
}

/** One compaction of one log. */
export interface Compaction {
  readonly storage: Storage
  readonly log: PartitionLog
  readonly segments: readonly Segment[]
  readonly aborted: readonly EndedTransaction[]
  readonly isNeededByProducer: (header: RecordBatchHeader) => boolean
  readonly nowMs: number
  readonly deleteRetentionMs: number
  readonly reading: ReadRecordsOptions
  /** Memory for keys. */
  readonly bytesMax: number
  /** Throws where the broker does not want it to go on. */
  readonly checkWanted: () => void
  /** The journal entry for aborted transactions of which nothing is left, named by their markers. */
  readonly forgetAborted: (markerOffsets: ReadonlySet<number>) => EntryToAppend
}

const readBytes = 1_048_576

/**
 * Which segments of a log may be compacted, and whether they should: closed ones below the last stable offset whose
 * newest record is older than min.compaction.lag.ms; once more than min.cleanable.dirty.ratio of them is new, or
 * something in them has waited for max.compaction.lag.ms (statement 79).
 */
export function planCompaction(
  log: PartitionLog,
  candidates: readonly Segment[],
  { config, lastStableOffset, nowMs }: CompactionLimits,
): CompactionPlan {
  const { minCompactionLagMs, maxCompactionLagMs, minCleanableDirtyRatio } = config
  const isDirty = ({ lastOffset }: Segment): boolean => lastOffset >= log.cleanedOffset
  const isTooNew = (segment: Segment): boolean =>
    minCompactionLagMs > 0 && isDirty(segment) && segment.maxTimestamp > nowMs - minCompactionLagMs
  const end = candidates.findIndex((segment) => segment.lastOffset >= lastStableOffset || isTooNew(segment))
  const segments = end < 0 ? candidates : candidates.slice(0, end)
  const dirty = segments.filter(isDirty)
  const dirtyBytes = sizeOf(dirty)
  const dirtyRatio = dirtyBytes === 0 ? 0 : dirtyBytes / sizeOf(segments)
  const hasWaited = dirty.some(
    ({ firstTimestamp }) => firstTimestamp >= 0 && nowMs - firstTimestamp > maxCompactionLagMs,
  )
  return { segments, dirtyRatio, isDue: dirtyBytes > 0 && (hasWaited || dirtyRatio > minCleanableDirtyRatio) }
}

/** Keeps the last record of each key. False if the log changed too much meanwhile: then nothing happened. */
export async function compactLog(compaction: Compaction): Promise<boolean> {
  const { storage, log, segments, aborted, checkWanted } = compaction
  const { newest, newestEnd } = await findNewest(compaction)
  if (newestEnd <= log.cleanedOffset) return false
  const trail = new TransactionTrail(aborted)
  const rules = { ...compaction, newest, newestEnd, trail }
  return storage.rewrite(log, {
    segments: segments.filter(({ baseOffset }) => baseOffset < newestEnd),
    cleanedOffset: newestEnd,
    keep: (batch) => {
      checkWanted()
      return cleanedBatch(batch, rules)
    },
    entries: () => (trail.vanished.size === 0 ? [] : [compaction.forgetAborted(trail.vanished)]),
  })
}

/**
 * The newest offset of each key among the records that no compaction has seen yet: those before can only be older.
 * With too many keys for its memory it ends early, and the next round goes on from there.
 */
async function findNewest(compaction: Compaction): Promise<{ newest: NewestOffsets; newestEnd: number }> {
  const { storage, log, segments, bytesMax, reading, checkWanted } = compaction
  const newest = new NewestOffsets(bytesMax)
  const trail = new TransactionTrail(compaction.aborted)
  const endOffset = (segments.at(-1)?.lastOffset ?? -1) + 1
  let offset = Math.max(log.cleanedOffset, log.logStartOffset)
  while (offset < endOffset) {
    checkWanted()
    const batches = await storage.read(log, { offset, endOffset, maxBytes: readBytes, minOneBatch: true })
    if (batches.length === 0) break
    for (const batch of eachBatch(batches)) {
      if (newest.isFull) return { newest, newestEnd: offset }
      const header = readBatchHeader(batch)
      offset = header.lastOffset + 1
      const isNeedless = trail.pass(batch, header)
      if (isNeedless || header.isControl) continue
      for (const { key, offsetDelta } of readableRecords(batch, header, reading) ?? [])
        if (key !== null) newest.put(key, header.baseOffset + offsetDelta)
    }
  }
  return { newest, newestEnd: offset }
}

function sizeOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
