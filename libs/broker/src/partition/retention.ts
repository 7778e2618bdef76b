import type { PartitionLog } from '@keyfold/storage'

export interface RetentionLimits {
  /** -1 for ever. */
  readonly retentionMs: number
  /** -1 without limit. */
  readonly retentionBytes: number
  readonly nowMs: number
  readonly highWatermark: number
}

/**
 * Where the log would start if retention ran now: behind the oldest segments whose newest record is too old, and behind
 * those beyond the size limit; never past the high watermark (statements 77 and 78).
 */
export function expiredLogStart(log: PartitionLog, limits: RetentionLimits): number {
  const { retentionMs, retentionBytes, nowMs, highWatermark } = limits
  const { segments } = log
  let start = log.logStartOffset
  let sizeBytes = log.sizeInBytes
  for (const [at, segment] of segments.entries()) {
    const endOffset = segments[at + 1]?.baseOffset ?? log.logEndOffset
    if (endOffset > highWatermark || segment.sizeBytes === 0) break
    const isOld = retentionMs >= 0 && segment.maxTimestamp >= 0 && nowMs - segment.maxTimestamp > retentionMs
    const isSurplus =
      retentionBytes >= 0 && segment !== log.activeSegment && sizeBytes - segment.sizeBytes >= retentionBytes
    if (!isOld && !isSurplus) break
    start = endOffset
    sizeBytes -= segment.sizeBytes
  }
  return start
}
