import { readBatchHeader } from '@keyfold/protocol'

import type { Files, OpenFile } from '../files/files.ts'
import { eachBatch, type LogReader } from '../partition-log/log-reader.ts'
import type { PartitionLog, SegmentReplacement } from '../partition-log/partition-log.ts'
import { growSegment, newSegment, type Segment, segmentExtensions, segmentFileName } from '../partition-log/segment.ts'
import { SegmentIndex } from '../partition-log/segment-index.ts'
import type { SegmentWriter } from '../partition-log/segment-writer.ts'

/** What becomes of a batch: itself, another one with the same first and last offset, or nothing. */
export type KeepBatch = (batch: Buffer) => Buffer | undefined

export interface SegmentRewriterOptions {
  readonly files: Files
  readonly reader: LogReader
  readonly writer: SegmentWriter
  /** Whether the log is still there: its files are nobody's otherwise. */
  readonly isAlive: (log: PartitionLog) => boolean
}

/** Offsets in a segment's indexes are relative to its base, in four bytes. */
const relativeOffsetMax = 2_147_483_647
const readBytes = 1_048_576

/**
 * Writes the segments of a log anew, without what is not to be kept, next to the old ones: first as `.cleaned` files,
 * which nobody ever reads, then, whole and durable, as `.swap` files. Neighbours that have become small share a segment.
 */
export class SegmentRewriter {
  readonly #options: SegmentRewriterOptions

  constructor(options: SegmentRewriterOptions) {
    this.#options = options
  }

  /** Returns what takes the place of what, for the journal; undefined if the log was removed meanwhile. */
  async write(
    log: PartitionLog,
    segments: readonly Segment[],
    keep: KeepBatch,
  ): Promise<SegmentReplacement[] | undefined> {
    const replacements: SegmentReplacement[] = []
    try {
      for (const group of groupsOf(segments, log.config.segmentBytes)) {
        const segment = await this.#writeGroup(log, group, keep)
        replacements.push({ baseOffsets: group.map(({ baseOffset }) => baseOffset), segment })
      }
      if (await this.#publish(log, replacements)) return replacements
    } catch (error) {
      await this.discard(log, segments).catch(() => {})
      if (this.#options.isAlive(log)) throw error
    }
    return undefined
  }

  /** Removes what was written for these segments and is not wanted any more. */
  discard(log: PartitionLog, segments: readonly Segment[]): Promise<void> {
    const { files, writer } = this.#options
    return writer.enqueue(async () => {
      if (!this.#options.isAlive(log)) return
      for (const { baseOffset } of segments) {
        for (const extension of segmentExtensions) {
          for (const suffix of ['.cleaned', '.swap'] as const)
            await files.remove(`${log.directory}/${segmentFileName(baseOffset, extension, suffix)}`)
        }
      }
    })
  }

  async #writeGroup(log: PartitionLog, group: readonly Segment[], keep: KeepBatch): Promise<Segment | undefined> {
    const [first] = group
    const last = group.at(-1)
    if (first === undefined || last === undefined) return undefined
    const segment = newSegment(first.baseOffset)
    const index = new SegmentIndex(first.baseOffset)
    await this.#inFile(log, segment, 'log', async (file) => {
      for (let offset = first.baseOffset; offset <= last.lastOffset;) {
        const request = { offset, endOffset: last.lastOffset + 1, maxBytes: readBytes, minOneBatch: true }
        const batches = await this.#options.reader.read(log, request)
        const kept: Buffer[] = []
        const position = segment.sizeBytes
        for (const batch of eachBatch(batches)) {
          offset = readBatchHeader(batch).lastOffset + 1
          const rewritten = keep(batch)
          if (rewritten === undefined) continue
          const { lastOffset, maxTimestamp, sizeInBytes, ...header } = readBatchHeader(rewritten)
          const placed = { lastOffset, maxTimestamp, sizeInBytes, position: segment.sizeBytes }
          index.add(placed, log.config.indexIntervalBytes)
          growSegment(segment, { ...header, lastOffset, maxTimestamp, sizeInBytes })
          kept.push(rewritten)
        }
        if (batches.length === 0) throw new Error(`${log.topic}-${log.partition} has nothing at ${offset} any more`)
        if (kept.length > 0) await file.write(kept, position)
      }
    })
    if (segment.sizeBytes === 0) return undefined
    index.addLastTime()
    const { offsets, times } = index.unsaved()
    await this.#inFile(log, segment, 'index', (file) => file.write([offsets], 0))
    await this.#inFile(log, segment, 'timeindex', (file) => file.write([times], 0))
    segment.place = 'swap'
    return segment
  }

  /** Fills a new file and makes it durable. */
  async #inFile(
    log: PartitionLog,
    { baseOffset }: Segment,
    extension: 'log' | 'index' | 'timeindex',
    fill: (file: OpenFile) => Promise<void>,
  ): Promise<void> {
    const { files, writer, isAlive } = this.#options
    let file: OpenFile | undefined
    // In turn with what moves directories: the path has to be this log's when the file is opened.
    await writer.enqueue(async () => {
      if (!isAlive(log)) return
      file = await files.open(`${log.directory}/${segmentFileName(baseOffset, extension, '.cleaned')}`, 'write')
    })
    if (file === undefined) throw new Error(`${log.topic}-${log.partition} was removed`)
    try {
      await file.truncate(0)
      await fill(file)
      await file.fdatasync()
    } finally {
      await file.close()
    }
  }

  /** From here on the files count, if the journal says so. */
  async #publish(log: PartitionLog, replacements: readonly SegmentReplacement[]): Promise<boolean> {
    const { files, writer, isAlive } = this.#options
    let isPublished = false
    await writer.enqueue(async () => {
      if (!isAlive(log)) return
      for (const { baseOffsets, segment } of replacements) {
        const path = (extension: 'log' | 'index' | 'timeindex', suffix: '.cleaned' | '.swap'): string =>
          `${log.directory}/${segmentFileName(baseOffsets[0] ?? 0, extension, suffix)}`
        if (segment === undefined) await files.remove(path('log', '.cleaned'))
        else
          for (const extension of segmentExtensions)
            await files.rename(path(extension, '.cleaned'), path(extension, '.swap'))
      }
      await files.fsyncDirectory(log.directory)
      isPublished = true
    })
    return isPublished
  }
}

/** Neighbours that fit into one segment, judged by their sizes before. */
function groupsOf(segments: readonly Segment[], segmentBytes: number): Segment[][] {
  const groups: Segment[][] = []
  let bytes = 0
  for (const segment of segments) {
    const group = groups.at(-1)
    const isFull = bytes + segment.sizeBytes > segmentBytes
    const isWide = segment.lastOffset - (group?.[0]?.baseOffset ?? 0) > relativeOffsetMax
    if (group === undefined || isFull || isWide) {
      groups.push([segment])
      bytes = segment.sizeBytes
    } else {
      group.push(segment)
      bytes += segment.sizeBytes
    }
  }
  return groups
}
