import { MalformedBytes } from '@keyfold/bytes'
import {
  hasValidCrc,
  readBatchHeader,
  recordBatchHeaderBytes,
  recordBatchLayout,
  recordBatchOverheadBytes,
} from '@keyfold/protocol'

import { StorageError } from '../errors.ts'
import type { Files } from '../files/files.ts'
import type { StorageLog } from '../log.ts'
import { readWhole } from '../journal/journal-file.ts'
import type { HandleCache } from './handle-cache.ts'
import type { PartitionLog } from './partition-log.ts'
import { type Segment, segmentFile } from './segment.ts'
import { SegmentIndex } from './segment-index.ts'

export interface LogReadRequest {
  /** The first batch returned is the one that holds this offset. */
  readonly offset: number
  /** Only batches that end before it are returned. */
  readonly endOffset: number
  readonly maxBytes: number
  /** Returns the first batch even if it is larger than `maxBytes` (KIP-74). */
  readonly minOneBatch: boolean
}

/** A search for the first batch at or after a time, in `[fromOffset, endOffset)`. */
export interface TimeSearch {
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly fromOffset: number
  readonly endOffset: number
}

/** Bytes read beyond what was asked for, so that the walk from an index entry to the batch rarely needs a second read. */
const walkBytes = 16_384
/** A read from a file allocates no more than this, except for one larger batch. */
const chunkBytesMax = 8 * 1_048_576
const scanBytes = 1_048_576
/** Indexes of closed segments that stay in memory. */
const loadedIndexesMax = 16

/** Reads partition logs: the tail from memory, the rest from segment files through their indexes, checksums verified. */
export class LogReader {
  readonly #files: Files
  readonly #handles: HandleCache
  readonly #log: StorageLog
  readonly #loaded: { readonly log: PartitionLog; readonly segment: Segment }[] = []

  constructor(files: Files, handles: HandleCache, log: StorageLog) {
    this.#files = files
    this.#handles = handles
    this.#log = log
  }

  /** Whole batches, those of the tail the very buffers that were appended. Throws StorageError PARTITION_DAMAGED. */
  async read(log: PartitionLog, request: LogReadRequest): Promise<Buffer[]> {
    for (;;) {
      if (log.damage !== undefined) throw log.damage
      const segment = request.offset < request.endOffset ? log.segmentOf(request.offset) : undefined
      if (segment === undefined) return []
      const first = log.tail.first
      if (first !== undefined && first.baseOffset <= request.offset) return readTail(log, request)
      if (first?.segment === segment && first.position === 0) return readTail(log, request)
      const { place } = segment
      const outcome = await this.#readWithIndex(log, segment, request).catch((error: unknown) => asError(error))
      const isCurrent = segment.place === place && log.segments.includes(segment)
      // Meanwhile its file may have been deleted by retention, or another one have taken its place by compaction.
      if (request.offset < log.logStartOffset) return outcome instanceof Error ? [] : outcome
      if (!isCurrent) continue
      if (!(outcome instanceof Error)) return [...outcome, ...restInTail(log, outcome, request)]
      if (outcome instanceof MalformedBytes) this.#damaged(log, segment, outcome)
      throw outcome
    }
  }

  /** The first whole batch in the range whose header says that it has a record at or after `timestamp`. */
  async batchAtTime(log: PartitionLog, { timestamp, fromOffset, endOffset }: TimeSearch): Promise<Buffer | undefined> {
    for (const segment of log.segments.filter((candidate) => candidate.maxTimestamp >= timestamp)) {
      // Without its index a segment is searched from its start; damage shows when it is read.
      const index = segment.flushedBytes > 0 ? await this.indexOf(log, segment).catch(() => undefined) : undefined
      let offset = Math.max(index?.offsetBefore(timestamp) ?? segment.baseOffset, fromOffset)
      const limit = Math.min(endOffset, nextBase(log, segment))
      while (offset < limit) {
        const batches = await this.read(log, { offset, endOffset: limit, maxBytes: scanBytes, minOneBatch: true })
        if (batches.length === 0) break
        for (const batch of eachBatch(batches)) {
          const header = readBatchHeader(batch)
          if (header.maxTimestamp >= timestamp) return batch
          offset = header.lastOffset + 1
        }
      }
    }
    return undefined
  }

  /** The index of what has been flushed of a segment. */
  indexOf(log: PartitionLog, segment: Segment): Promise<SegmentIndex> {
    if (segment.index !== undefined) return segment.index
    const index = this.#buildIndex(log, segment, true)
    segment.index = index
    this.#loaded.push({ log, segment })
    if (this.#loaded.length > loadedIndexesMax) this.#unloadOldest()
    return index
  }

  async #readWithIndex(log: PartitionLog, segment: Segment, request: LogReadRequest): Promise<Buffer[]> {
    try {
      return await this.#readSegment(log, segment, request)
    } catch (error) {
      if (!(error instanceof MalformedBytes) || error instanceof ChecksumMismatch) throw error
      // Either the index points into the middle of a batch, or the segment is damaged: a new index tells.
      segment.index = this.#buildIndex(log, segment, false)
      return this.#readSegment(log, segment, request)
    }
  }

  async #readSegment(log: PartitionLog, segment: Segment, request: LogReadRequest): Promise<Buffer[]> {
    const index = await this.indexOf(log, segment)
    const limit = segment.flushedBytes
    let position = index.positionBefore(request.offset)
    let chunkBytes = Math.min(request.maxBytes, chunkBytesMax) + walkBytes
    while (position < limit) {
      const chunk = await this.#chunk(log, segment, position, Math.min(chunkBytes, limit - position))
      const at = walkTo(chunk, request.offset)
      const needed = at + recordBatchHeaderBytes <= chunk.length ? readBatchHeader(chunk, at).sizeInBytes : 0
      const isWhole = needed > 0 && at + needed <= chunk.length
      if (isWhole) return takeBatches({ chunk, at, position }, request)
      if (needed > request.maxBytes && !request.minOneBatch) return []
      const isCutOff = needed === 0 ? at === 0 : position + at + needed > limit
      if (isCutOff) break
      position += at
      chunkBytes = Math.max(chunkBytes, needed)
    }
    throw new MalformedBytes('INVALID_RECORD_BATCH', position, `no whole batch with offset ${request.offset}`)
  }

  async #chunk(log: PartitionLog, segment: Segment, position: number, length: number): Promise<Buffer> {
    const path = `${log.directory}/${segmentFile(segment, 'log')}`
    const chunk = Buffer.allocUnsafe(length)
    // A name that lasts only until the next checkpoint must not be made again by a reader that comes too late.
    const mode = segment.place === 'swap' ? 'read' : 'write'
    const read = await this.#handles.use(path, (file) => file.read(chunk, position), mode)
    return chunk.subarray(0, read)
  }

  /** Index files as far as they are right, then a walk over the rest of the segment. */
  async #buildIndex(log: PartitionLog, segment: Segment, useFiles: boolean): Promise<SegmentIndex> {
    const index = new SegmentIndex(segment.baseOffset)
    const limit = segment.flushedBytes
    let position = 0
    if (useFiles && limit > 0) {
      const path = (extension: 'index' | 'timeindex'): string => `${log.directory}/${segmentFile(segment, extension)}`
      const offsets = (await readWhole(this.#files, path('index'))) ?? Buffer.alloc(0)
      const times = (await readWhole(this.#files, path('timeindex'))) ?? Buffer.alloc(0)
      position = index.load({ offsets, times }, limit)
    }
    while (position < limit) {
      const chunk = await this.#chunk(log, segment, position, Math.min(scanBytes, limit - position))
      let at = 0
      while (at + recordBatchHeaderBytes <= chunk.length) {
        const { lastOffset, maxTimestamp, sizeInBytes } = readBatchHeader(chunk, at)
        index.add({ lastOffset, maxTimestamp, sizeInBytes, position: position + at }, log.config.indexIntervalBytes)
        at += sizeInBytes
      }
      if (at === 0) throw new MalformedBytes('INVALID_RECORD_BATCH', position, 'no batch header')
      position += at
    }
    return index
  }

  #unloadOldest(): void {
    const oldest = this.#loaded.shift()
    if (oldest === undefined) return
    const { log, segment } = oldest
    // The writer still adds to the index of a segment that grows.
    if (segment !== log.activeSegment && segment.flushedBytes === segment.sizeBytes) segment.index = undefined
  }

  #damaged(log: PartitionLog, segment: Segment, cause: unknown): never {
    const path = `${log.directory}/${segmentFile(segment, 'log')}`
    const reason = cause instanceof Error ? cause.message : String(cause)
    const damage = new StorageError('PARTITION_DAMAGED', `${path} is damaged: ${reason}`, { cause })
    if (log.damage === undefined) this.#log.warn('partition.damaged', { file: path, reason })
    log.damage ??= damage
    throw damage
  }
}

/** A batch whose bytes are not those that were written. */
class ChecksumMismatch extends MalformedBytes {
  constructor(position: number) {
    super('INVALID_RECORD_BATCH', position, `checksum of the batch at byte ${position}`)
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** The batches of a chunk that a request wants, from the first one on; their checksums are verified. */
function takeBatches(from: { chunk: Buffer; at: number; position: number }, request: LogReadRequest): Buffer[] {
  const { chunk } = from
  let end = from.at
  while (end + recordBatchHeaderBytes <= chunk.length) {
    const header = readBatchHeader(chunk, end)
    const size = header.sizeInBytes
    if (end + size > chunk.length || header.lastOffset >= request.endOffset) break
    const isFirst = end === from.at
    if (end + size - from.at > request.maxBytes && !(isFirst && request.minOneBatch)) break
    if (!hasValidCrc(chunk, end)) throw new ChecksumMismatch(from.position + end)
    end += size
  }
  return end === from.at ? [] : [chunk.subarray(from.at, end)]
}

function readTail(log: PartitionLog, { offset, endOffset, maxBytes, minOneBatch }: LogReadRequest): Buffer[] {
  const batches: Buffer[] = []
  let bytes = 0
  for (const batch of log.tail.from(offset)) {
    if (batch.lastOffset >= endOffset) break
    const isAllowed = bytes + batch.bytes.length <= maxBytes || (batches.length === 0 && minOneBatch)
    if (!isAllowed) break
    batches.push(batch.bytes)
    bytes += batch.bytes.length
  }
  return batches
}

/** What follows in memory on batches that came from a file: where the one ends and the other begins is nobody's business. */
function restInTail(log: PartitionLog, read: readonly Buffer[], request: LogReadRequest): Buffer[] {
  const bytes = read.reduce((sum, { length }) => sum + length, 0)
  const offset = endOfBatches(read) ?? request.endOffset
  // The tail has no gaps: if it begins at this offset or before, it has what follows.
  if ((log.tail.first?.baseOffset ?? Number.POSITIVE_INFINITY) > offset) return []
  return readTail(log, { ...request, offset, maxBytes: request.maxBytes - bytes, minOneBatch: false })
}

/** Position in `chunk`, which starts with a batch, of the batch that holds `offset`; may lie behind the chunk. */
function walkTo(chunk: Buffer, offset: number): number {
  let at = 0
  while (at + recordBatchHeaderBytes <= chunk.length) {
    const header = readBatchHeader(chunk, at)
    if (header.lastOffset >= offset) return at
    at += header.sizeInBytes
  }
  return at
}

function nextBase(log: PartitionLog, segment: Segment): number {
  return log.segments.find((other) => other.baseOffset > segment.baseOffset)?.baseOffset ?? log.logEndOffset
}

/** Single batches out of buffers that hold several each. */
export function* eachBatch(buffers: readonly Buffer[]): Generator<Buffer> {
  for (const buffer of buffers) {
    for (let at = 0; at < buffer.length;) {
      const { sizeInBytes } = readBatchHeader(buffer, at)
      yield buffer.subarray(at, at + sizeInBytes)
      at += sizeInBytes
    }
  }
}

/** The offset behind the last batch of buffers that hold whole ones, undefined if there is none; walks the last buffer. */
export function endOfBatches(buffers: readonly Buffer[]): number | undefined {
  const last = buffers.at(-1)
  if (last === undefined) return undefined
  let at = 0
  for (let next = 0; next < last.length; next += batchBytesAt(last, at)) at = next
  return readBatchHeader(last, at).lastOffset + 1
}

function batchBytesAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + recordBatchLayout.batchLength) + recordBatchOverheadBytes
}
