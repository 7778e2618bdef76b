import type { RecordBatchHeader } from '@keyfold/protocol'

import type { SegmentIndex } from './segment-index.ts'

/** A stretch of a partition's log that is one file. Sizes count what the log holds; the file may still be behind. */
export interface Segment {
  readonly baseOffset: number
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
  /** Loaded when it is needed. */
  index: Promise<SegmentIndex> | undefined
}

export function newSegment(baseOffset: number): Segment {
  return {
    baseOffset,
    sizeBytes: 0,
    flushedBytes: 0,
    maxTimestamp: -1,
    offsetOfMaxTimestamp: -1,
    firstTimestamp: -1,
    isCut: false,
    isIndexCut: false,
    isUnsynced: false,
    index: undefined,
  }
}

export function growSegment(segment: Segment, header: RecordBatchHeader): void {
  if (segment.sizeBytes === 0) segment.firstTimestamp = header.maxTimestamp
  segment.sizeBytes += header.sizeInBytes
  if (header.maxTimestamp > segment.maxTimestamp) {
    segment.maxTimestamp = header.maxTimestamp
    segment.offsetOfMaxTimestamp = header.lastOffset
  }
}

/** Kafka's names: the base offset in 20 digits. */
export function segmentFileName(baseOffset: number, extension: 'log' | 'index' | 'timeindex'): string {
  return `${String(baseOffset).padStart(20, '0')}.${extension}`
}
