import { hasValidCrc, readBatchHeader, recordBatchHeaderBytes, type RecordBatchHeader } from '@keyfold/protocol'

import type { Files, OpenFile } from '../files/files.ts'
import { readWhole } from '../journal/journal-file.ts'
import type { PartitionLog } from '../partition-log/partition-log.ts'
import type { Segment } from '../partition-log/segment.ts'
import { offsetEntryBytes, SegmentIndex, timeEntryBytes } from '../partition-log/segment-index.ts'
import { segmentPath } from '../partition-log/segment-writer.ts'

/** Something in the files of a log that is not as it should be. */
export interface LogFinding {
  /** Below the data directory. */
  readonly file: string
  readonly position: number
  readonly what: string
  /** An index: it can be made anew from the log (`repairIndexes`). Anything else cannot. */
  readonly isDerived: boolean
}

export interface InspectOptions {
  readonly files: Files
  readonly log: PartitionLog
  /** Compaction has removed records: offsets rise, but need not follow each other. */
  readonly mayHaveGaps: boolean
  /** Called with every batch that is sound, in order. */
  readonly onBatch?: (batch: Buffer, header: RecordBatchHeader) => void
}

const chunkBytes = 1_048_576
const twoTo32 = 4294967296

/** Reads every batch of a log and every entry of its indexes. The storage must have been recovered. */
export async function inspectLog(options: InspectOptions): Promise<LogFinding[]> {
  const { log } = options
  const findings: LogFinding[] = []
  if (log.damage !== undefined) {
    findings.push({ file: log.directory, position: 0, what: log.damage.message, isDerived: false })
  }
  let nextOffset = -1
  for (const segment of log.segments) {
    const walk = new SegmentWalk(options, segment, findings)
    nextOffset = await walk.run(nextOffset)
  }
  return findings
}

/** Writes the index files of a log anew from its batches; returns their paths. Nothing else may be using the directory. */
export async function repairIndexes(files: Files, log: PartitionLog): Promise<string[]> {
  const written: string[] = []
  for (const segment of log.segments) {
    const index = new SegmentIndex(segment.baseOffset)
    for await (const { header, position } of batchesOf(files, segmentPath(log, segment, 'log'), segment.flushedBytes)) {
      const { lastOffset, maxTimestamp, sizeInBytes } = header
      index.add({ lastOffset, maxTimestamp, sizeInBytes, position }, log.config.indexIntervalBytes)
    }
    if (segment !== log.activeSegment) index.addLastTime()
    const { offsets, times } = index.unsaved()
    for (const [extension, bytes] of [
      ['index', offsets],
      ['timeindex', times],
    ] as const) {
      const path = segmentPath(log, segment, extension)
      const file = await files.open(path, 'write')
      await file.truncate(0)
      if (bytes.length > 0) await file.write([bytes], 0)
      await file.fdatasync()
      await file.close()
      written.push(path)
    }
  }
  return written
}

/** One segment: its file as far as it is written, then what is still in memory. */
class SegmentWalk {
  readonly #options: InspectOptions
  readonly #segment: Segment
  readonly #findings: LogFinding[]
  readonly #path: string
  /** Of the batches so far. */
  #maxTimestamp = -1

  constructor(options: InspectOptions, segment: Segment, findings: LogFinding[]) {
    this.#options = options
    this.#segment = segment
    this.#findings = findings
    this.#path = segmentPath(options.log, segment, 'log')
  }

  /** Returns the offset behind the last batch. */
  async run(expectedOffset: number): Promise<number> {
    const { files, log } = this.#options
    const segment = this.#segment
    const entries = await this.#entries()
    let nextOffset = expectedOffset < 0 ? segment.baseOffset : expectedOffset
    let end = 0
    for await (const { batch, header, position } of batchesOf(files, this.#path, segment.flushedBytes)) {
      nextOffset = this.#check(batch, header, { position, nextOffset })
      this.#compare(entries, header, position)
      end = position + batch.length
    }
    if (end < segment.flushedBytes && log.damage === undefined) {
      this.#found(end, `no batch where one should be; the log has ${segment.flushedBytes} bytes here`)
    }
    for (const tail of log.tail.from(segment.baseOffset)) {
      if (tail.segment !== segment || tail.position < end) continue
      nextOffset = this.#check(tail.bytes, readBatchHeader(tail.bytes), { position: tail.position, nextOffset })
    }
    return nextOffset
  }

  #check(batch: Buffer, header: RecordBatchHeader, at: { position: number; nextOffset: number }): number {
    const { mayHaveGaps, onBatch } = this.#options
    if (!hasValidCrc(batch)) this.#found(at.position, `the checksum of the batch with offset ${header.baseOffset}`)
    else {
      const isNext = mayHaveGaps ? header.baseOffset >= at.nextOffset : header.baseOffset === at.nextOffset
      if (!isNext) this.#found(at.position, `offset ${header.baseOffset} follows where ${at.nextOffset} should`)
      onBatch?.(batch, header)
    }
    return header.lastOffset + 1
  }

  async #entries(): Promise<IndexEntries> {
    const { files, log } = this.#options
    const read = async (extension: 'index' | 'timeindex') =>
      (await readWhole(files, segmentPath(log, this.#segment, extension))) ?? Buffer.alloc(0)
    const bytes = { offsets: await read('index'), times: await read('timeindex') }
    // Nobody reads what cannot follow the entries before it: a crash has left it, and it is written over.
    const index = new SegmentIndex(this.#segment.baseOffset)
    index.load(bytes, this.#segment.flushedBytes)
    const { offsets, times } = index.savedBytes
    return readEntries(bytes.offsets.subarray(0, offsets), bytes.times.subarray(0, times))
  }

  /** Takes from the entries those that this batch explains, and reports those that it contradicts. */
  #compare(entries: IndexEntries, header: RecordBatchHeader, position: number): void {
    const { offsets, times } = entries
    const relative = header.lastOffset - this.#segment.baseOffset
    for (let entry = offsets[0]; entry !== undefined && entry.position <= position; entry = offsets[0]) {
      offsets.shift()
      if (entry.position === position && entry.offset === relative) continue
      this.#foundIndex('index', entry.at, `entry ${entry.offset} -> byte ${entry.position}, where no such batch begins`)
    }
    for (let entry = times[0]; entry !== undefined && entry.offset <= relative; entry = times[0]) {
      times.shift()
      if (entry.timestamp === header.maxTimestamp && entry.offset === relative) continue
      // Half an entry, at the end of what a crash left, may look like one: it is true as long as it skips nothing.
      if (times.length === 0 && this.#maxTimestamp <= entry.timestamp) continue
      this.#foundIndex('timeindex', entry.at, `entry ${entry.timestamp} -> offset ${entry.offset}, which is not so`)
    }
    this.#maxTimestamp = Math.max(this.#maxTimestamp, header.maxTimestamp)
  }

  #found(position: number, what: string): void {
    this.#findings.push({ file: this.#path, position, what, isDerived: false })
  }

  #foundIndex(extension: 'index' | 'timeindex', position: number, what: string): void {
    const file = segmentPath(this.#options.log, this.#segment, extension)
    this.#findings.push({ file, position, what, isDerived: true })
  }
}

interface IndexEntries {
  /** `at`: where the entry lies in its file. */
  readonly offsets: { offset: number; position: number; at: number }[]
  readonly times: { timestamp: number; offset: number; at: number }[]
}

function readEntries(offsetBytes: Buffer, timeBytes: Buffer): IndexEntries {
  const offsets: IndexEntries['offsets'] = []
  for (let at = 0; at + offsetEntryBytes <= offsetBytes.length; at += offsetEntryBytes) {
    offsets.push({ offset: offsetBytes.readInt32BE(at), position: offsetBytes.readInt32BE(at + 4), at })
  }
  const times: IndexEntries['times'] = []
  for (let at = 0; at + timeEntryBytes <= timeBytes.length; at += timeEntryBytes) {
    const timestamp = timeBytes.readInt32BE(at) * twoTo32 + timeBytes.readUInt32BE(at + 4)
    times.push({ timestamp, offset: timeBytes.readInt32BE(at + 8), at })
  }
  return { offsets, times }
}

interface PlacedBatch {
  readonly batch: Buffer
  readonly header: RecordBatchHeader
  readonly position: number
}

/** The batches of a segment file, up to `limit` or to where there is none. */
async function* batchesOf(files: Files, path: string, limit: number): AsyncGenerator<PlacedBatch> {
  if (limit === 0 || (await files.sizeOf(path)) === undefined) return
  const file = await files.open(path, 'read')
  try {
    let position = 0
    while (position < limit) {
      const first = await readAt(file, position, recordBatchHeaderBytes)
      const size = headerAt(first, 0)?.sizeInBytes
      if (size === undefined || position + size > limit) return
      const chunk = await readAt(file, position, Math.min(Math.max(chunkBytes, size), limit - position))
      let at = 0
      for (let header = headerAt(chunk, 0); header !== undefined; header = headerAt(chunk, at)) {
        if (at + header.sizeInBytes > chunk.length) break
        yield { batch: chunk.subarray(at, at + header.sizeInBytes), header, position: position + at }
        at += header.sizeInBytes
      }
      // The file ends within a batch.
      if (at === 0) return
      position += at
    }
  } finally {
    await file.close()
  }
}

async function readAt(file: OpenFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  return bytes.subarray(0, await file.read(bytes, position))
}

function headerAt(chunk: Buffer, at: number): RecordBatchHeader | undefined {
  if (at + recordBatchHeaderBytes > chunk.length) return undefined
  try {
    return readBatchHeader(chunk, at)
  } catch {
    return undefined
  }
}
