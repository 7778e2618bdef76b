import { assignOffsets, readBatchHeader, type RecordBatchHeader } from '@keyfold/protocol'

import { assert, type StorageError } from '../errors.ts'
import { growSegment, newSegment, type Segment } from './segment.ts'
import { Tail } from './tail.ts'

/** Settings of a log, under Kafka's meaning of segment.bytes, segment.ms and index.interval.bytes. */
export interface LogConfig {
  segmentBytes: number
  segmentMs: number
  indexIntervalBytes: number
}

export const defaultLogConfig: LogConfig = {
  segmentBytes: 1_073_741_824,
  segmentMs: 604_800_000,
  indexIntervalBytes: 4096,
}

/** The broker has no other leader to lose its place to: the epoch of every partition is this one. */
export const leaderEpoch = 0

const relativeOffsetMax = 2_147_483_647

export interface LogIdentity {
  /** Unique over the life of a data directory: a topic made anew has new ones. */
  readonly id: number
  readonly topic: string
  readonly partition: number
}

/** What a checkpoint says about a log. */
export interface LogSnapshot extends LogIdentity {
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** Everything before it has been compacted. */
  readonly cleanedOffset: number
  readonly segments: readonly SegmentSnapshot[]
}

export type SegmentSnapshot = Pick<
  Segment,
  'baseOffset' | 'lastOffset' | 'sizeBytes' | 'maxTimestamp' | 'offsetOfMaxTimestamp' | 'firstTimestamp' | 'place'
>

/** Consecutive segments that one takes the place of, or none. */
export interface SegmentReplacement {
  readonly baseOffsets: readonly number[]
  readonly segment: SegmentSnapshot | undefined
}

/**
 * The batches of one partition: segments, of which the newest bytes are still in memory (the tail), and the offsets
 * where the log starts, where it ends, and up to where it is durable. State only: files are written and read elsewhere.
 */
export class PartitionLog {
  readonly id: number
  readonly topic: string
  readonly partition: number
  readonly config: LogConfig = { ...defaultLogConfig }
  readonly tail = new Tail()
  /** Where its files are, below the data directory. */
  directory: string
  /** Whether the directory holds this log's files: if not, it is emptied before the first write. */
  ownsDirectory: boolean
  /** Whether file names were made that are not durable yet. */
  hasUnsyncedNames = false
  /** Set for good once its files turned out to be damaged: then nothing is read or appended any more. */
  damage: StorageError | undefined
  #segments: Segment[]
  #logStartOffset: number
  #logEndOffset: number
  #durableEndOffset: number
  #bytesAppended = 0
  #cleanedOffset: number

  constructor(snapshot: LogSnapshot, directory: string, ownsDirectory: boolean) {
    this.id = snapshot.id
    this.topic = snapshot.topic
    this.partition = snapshot.partition
    this.directory = directory
    this.ownsDirectory = ownsDirectory
    this.#logStartOffset = snapshot.logStartOffset
    this.#logEndOffset = snapshot.logEndOffset
    this.#durableEndOffset = snapshot.logEndOffset
    this.#cleanedOffset = snapshot.cleanedOffset
    this.#segments = snapshot.segments.map((segment) => restoredSegment(segment))
    for (const segment of this.#segments.slice(0, -1)) segment.isSettled = segment.place === 'log'
  }

  /** The first offset that can be read. */
  get logStartOffset(): number {
    return this.#logStartOffset
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.#logEndOffset
  }

  /** Everything before it is durable. */
  get durableEndOffset(): number {
    return this.#durableEndOffset
  }

  /** Everything before it has been compacted. */
  get cleanedOffset(): number {
    return this.#cleanedOffset
  }

  get segments(): readonly Segment[] {
    return this.#segments
  }

  get sizeInBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  }

  get activeSegment(): Segment {
    const active = this.#segments.at(-1)
    assert(active !== undefined, 'a log has a segment')
    return active
  }

  configure(config: Partial<LogConfig>): void {
    Object.assign(this.config, config)
  }

  /**
   * Gives a batch the next offsets, in place, and makes sure that keeping it keeps no much larger memory alive.
   * The batch is not in the log before its journal entry is applied.
   */
  prepare(batch: Buffer): Buffer {
    assignOffsets(batch, 0, { baseOffset: this.#logEndOffset, partitionLeaderEpoch: leaderEpoch })
    return owned(batch)
  }

  /** Applies the journal entry of a batch: the only way a batch gets into the log. */
  add(bytes: Buffer, lsn: number): RecordBatchHeader {
    const batch = owned(bytes)
    const header = readBatchHeader(batch)
    assert(header.baseOffset === this.#logEndOffset, `${this.directory}: batches follow each other without a gap`)
    const segment = this.#segmentFor(header)
    this.tail.push({
      baseOffset: header.baseOffset,
      lastOffset: header.lastOffset,
      bytes: batch,
      maxTimestamp: header.maxTimestamp,
      segment,
      position: segment.sizeBytes,
      bytesBefore: this.#bytesAppended,
      lsn,
    })
    growSegment(segment, header)
    this.#bytesAppended += batch.length
    this.#logEndOffset = header.lastOffset + 1
    return header
  }

  advanceDurable(endOffset: number): void {
    assert(endOffset >= this.#durableEndOffset && endOffset <= this.#logEndOffset, 'the durable end moves forward')
    this.#durableEndOffset = endOffset
  }

  /** Moves the start of the log forward; returns the segments that lie wholly before it and are gone from the log. */
  moveStart(offset: number): Segment[] {
    assert(offset <= this.#logEndOffset, 'a log starts before it ends')
    if (offset <= this.#logStartOffset) return []
    this.#logStartOffset = offset
    const kept = this.#segments.findLastIndex((segment) => segment.baseOffset <= offset)
    return this.#segments.splice(0, Math.max(kept, 0))
  }

  /**
   * Segments that are closed and that the newest checkpoint knows as they are: what a compaction may replace. None while
   * files of an earlier compaction still have their temporary names in the checkpoint.
   */
  get settledSegments(): readonly Segment[] {
    const closed = this.#segments.slice(0, -1)
    const count = closed.findIndex((segment) => !segment.isSettled)
    const isUnderWay = closed.some((segment) => segment.place === 'swap')
    return isUnderWay ? [] : closed.slice(0, count < 0 ? closed.length : count)
  }

  /** Puts compacted segments in the place of others; returns those that are gone from the log. */
  replace(replacements: readonly SegmentReplacement[], cleanedOffset: number): Segment[] {
    const gone: Segment[] = []
    for (const { baseOffsets, segment } of replacements) {
      const at = this.#segments.findIndex(({ baseOffset }) => baseOffset === baseOffsets[0])
      const isWhole = baseOffsets.every((baseOffset, n) => this.#segments[at + n]?.baseOffset === baseOffset)
      assert(
        at >= 0 && isWhole && at + baseOffsets.length < this.#segments.length,
        'compaction replaces closed segments',
      )
      const replacement = segment === undefined ? [] : [restoredSegment(segment)]
      gone.push(...this.#segments.splice(at, baseOffsets.length, ...replacement))
    }
    this.#cleanedOffset = Math.max(this.#cleanedOffset, cleanedOffset)
    return gone
  }

  /** Starts a new segment, unless the active one is empty. */
  roll(): void {
    if (this.activeSegment.sizeBytes > 0) this.#segments.push(newSegment(this.#logEndOffset))
  }

  /**
   * How many bytes a reader at `offset` would get before `endOffset`, at most `bytesMax`. Says `bytesMax` as soon as
   * the data lie in an older segment than the end of the log: such a reader should not wait for more (statement 39).
   */
  bytesBetween(offset: number, endOffset: number, bytesMax: number): number {
    const segment = offset < endOffset ? this.segmentOf(offset) : undefined
    if (segment === undefined) return 0
    const first = this.tail.batchAt(offset)
    const isBehind = first === undefined || first.segment !== segment || !reaches(first, offset)
    if (segment !== this.activeSegment || isBehind) return bytesMax
    const end = this.tail.batchAt(endOffset)?.bytesBefore ?? this.#bytesAppended
    return Math.min(end - first.bytesBefore, bytesMax)
  }

  /** The segment that holds `offset` or, where that has been compacted away, the next record. */
  segmentOf(offset: number): Segment | undefined {
    return this.#segments.find((segment) => segment.lastOffset >= offset)
  }

  snapshot(): LogSnapshot {
    const { id, topic, partition, logStartOffset, logEndOffset, cleanedOffset } = this
    return { id, topic, partition, logStartOffset, logEndOffset, cleanedOffset, segments: this.#segments }
  }

  #segmentFor(header: RecordBatchHeader): Segment {
    const { segmentBytes, segmentMs } = this.config
    const active = this.activeSegment
    if (active.sizeBytes === 0) return active
    const isFull = active.sizeBytes + header.sizeInBytes > segmentBytes
    const isOld = active.firstTimestamp >= 0 && header.maxTimestamp - active.firstTimestamp > segmentMs
    if (isFull || isOld || header.lastOffset - active.baseOffset > relativeOffsetMax) this.roll()
    return this.activeSegment
  }
}

function restoredSegment(snapshot: SegmentSnapshot): Segment {
  return { ...newSegment(snapshot.baseOffset), ...snapshot, flushedBytes: snapshot.sizeBytes }
}

/** Whether a batch is the first one of the log at or behind an offset, which may lie in a gap before its segment. */
export function reaches(first: { baseOffset: number; position: number }, offset: number): boolean {
  return first.baseOffset <= offset || first.position === 0
}

/** A view into a large buffer, say a whole network read, would keep all of it in memory: then a copy is cheaper. */
function owned(batch: Buffer): Buffer {
  if (batch.buffer.byteLength <= batch.length * 2 + 1024) return batch
  // Not from the pool of small buffers, which would be kept as a whole just the same.
  const copy = Buffer.allocUnsafeSlow(batch.length)
  batch.copy(copy)
  return copy
}
