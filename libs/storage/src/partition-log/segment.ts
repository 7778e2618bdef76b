import type { RecordBatchHeader } from '@keyfold/protocol'

import type { SegmentIndex } from './segment-index.ts'

/** A stretch of a partition's log that is one file. Sizes count what the log holds; the file may still be behind. */
export interface Segment {
  readonly baseOffset: number
  /** Offset of the last record of its last batch, `baseOffset - 1` while empty; compaction leaves gaps behind it. */
  lastOffset: number
  /** Bytes of all batches of this segment. */
  sizeBytes: number
  /** Bytes that have been written to its file; the rest is in the tail. */
  flushedBytes: number
  /** -1 while empty, or while no record has a timestamp. */
  maxTimestamp: number
  /** Last offset of the batch that has the largest timestamp. */
  offsetOfMaxTimestamp: number
  /** Largest timestamp of the first batch, from which segment.ms counts; -1 while empty. */
  firstTimestamp: number
  /** Whether the file has been cut to `flushedBytes` by this process: what lies behind is from before a crash. */
  isCut: boolean
  /** The same for its index files. */
  isIndexCut: boolean
  /** Whether the file holds bytes that have not been synced. */
  isUnsynced: boolean
  /**
   * Where its bytes are: in the file of its name or, from a compaction on until the checkpoint after it, beside it under
   * a name that ends in `.swap`.
   */
  place: 'log' | 'swap'
  /** Whether the newest checkpoint knows it as it is, and as complete: only then a compaction may replace it. */
  isSettled: boolean
  /** Loaded when it is needed. */
  index: Promise<SegmentIndex> | undefined
}

export function newSegment(baseOffset: number): Segment {
  return {
    baseOffset,
    lastOffset: baseOffset - 1,
    sizeBytes: 0,
    flushedBytes: 0,
    maxTimestamp: -1,
    offsetOfMaxTimestamp: -1,
    firstTimestamp: -1,
    isCut: false,
    isIndexCut: false,
    isUnsynced: false,
    place: 'log',
    isSettled: false,
    index: undefined,
  }
}

export function growSegment(segment: Segment, header: RecordBatchHeader): void {
  if (segment.sizeBytes === 0) segment.firstTimestamp = header.maxTimestamp
  segment.sizeBytes += header.sizeInBytes
  segment.lastOffset = header.lastOffset
  if (header.maxTimestamp > segment.maxTimestamp) {
    segment.maxTimestamp = header.maxTimestamp
    segment.offsetOfMaxTimestamp = header.lastOffset
  }
}

export type SegmentExtension = 'log' | 'index' | 'timeindex'

export const segmentExtensions: readonly SegmentExtension[] = ['index', 'timeindex', 'log']

/** Kafka's names: the base offset in 20 digits. A compaction writes `.cleaned` files and makes them `.swap` files. */
export function segmentFileName(
  baseOffset: number,
  extension: SegmentExtension,
  suffix: '' | '.cleaned' | '.swap' = '',
): string {
  return `${String(baseOffset).padStart(20, '0')}.${extension}${suffix}`
}

/** The name of the file in which the bytes of a segment are now. */
export function segmentFile(segment: Segment, extension: SegmentExtension): string {
  return segmentFileName(segment.baseOffset, extension, segment.place === 'swap' ? '.swap' : '')
}
