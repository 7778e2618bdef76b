import { StorageError } from '../errors.ts'
import type { Files } from '../files/files.ts'
import type { StorageLog } from '../log.ts'
import type { HandleCache } from './handle-cache.ts'
import type { LogReader } from './log-reader.ts'
import type { PartitionLog } from './partition-log.ts'
import { type Segment, type SegmentExtension, segmentExtensions, segmentFile, segmentFileName } from './segment.ts'
import type { SegmentIndex } from './segment-index.ts'
import type { TailBatch } from './tail.ts'

/** Where the partition directories are, below the data directory. */
export const logsDirectory = 'topics'

export interface SegmentWriterOptions {
  readonly files: Files
  readonly handles: HandleCache
  readonly reader: LogReader
}

const writeBytesMax = 1_048_576

/**
 * Writes what is durable in the journal into segment files, later and in the background, one task after the other.
 * Nothing it writes is trusted before a checkpoint says so: until then the journal holds the same bytes.
 */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions
  #last: Promise<void> = Promise.resolve()
  #length = 0

  constructor(options: SegmentWriterOptions) {
    this.#options = options
  }

  get isIdle(): boolean {
    return this.#length === 0
  }

  /** Runs a task after those that were given before, whether or not they failed. */
  enqueue(task: () => Promise<void>): Promise<void> {
    this.#length += 1
    const run = this.#last.then(task).finally(() => {
      this.#length -= 1
    })
    this.#last = run.catch(() => {})
    return run
  }

  /** Writes all batches of a log up to a journal entry that is durable. Part of a task. */
  async flush(log: PartitionLog, durableLsn: number): Promise<void> {
    for (;;) {
      const batches = log.tail.unflushed(durableLsn, writeBytesMax)
      const segment = batches[0]?.segment
      if (segment === undefined) return
      // Retention may have removed the segment before it was ever written.
      if (log.segments.includes(segment)) await this.#write(log, segment, batches)
      else log.tail.markFlushed(batches.length)
    }
  }

  /** Makes durable what was flushed. Part of a task. */
  async sync(log: PartitionLog): Promise<void> {
    for (const segment of log.segments) {
      if (!segment.isUnsynced) continue
      await this.#options.handles.use(segmentPath(log, segment, 'log'), async (file) => {
        segment.isUnsynced = false
        await file.fdatasync()
      })
    }
    if (!log.hasUnsyncedNames) return
    log.hasUnsyncedNames = false
    await this.#options.files.fsyncDirectory(log.directory)
  }

  /** Moves the directory of a removed log out of the way of a topic of the same name. Part of a task. */
  async setAside(log: PartitionLog): Promise<void> {
    const { files, handles } = this.#options
    const from = log.directory
    const aside = asideDirectory(log)
    if (from === aside) return
    await handles.forget(`${from}/`)
    log.directory = aside
    if (!log.ownsDirectory || (await files.list(from)).length === 0) return
    await files.rename(from, aside)
    await files.fsyncDirectory(logsDirectory)
  }

  /** Gives the files of a compacted segment their lasting names. A checkpoint that knows them by either is durable. */
  async settle(log: PartitionLog, segment: Segment): Promise<void> {
    const { files, handles } = this.#options
    const path = (extension: SegmentExtension, suffix: '' | '.swap'): string =>
      `${log.directory}/${segmentFileName(segment.baseOffset, extension, suffix)}`
    for (const extension of segmentExtensions) {
      await handles.forget(path(extension, ''))
      // A full disk may have ended the attempt before in the middle.
      if ((await files.sizeOf(path(extension, '.swap'))) === undefined) continue
      await files.rename(path(extension, '.swap'), path(extension, ''))
      // A reader may have opened the file of the old segment meanwhile.
      await handles.forget(path(extension, ''))
    }
    segment.place = 'log'
    for (const extension of segmentExtensions) await handles.forget(path(extension, '.swap'))
    await files.fsyncDirectory(log.directory)
  }

  async #write(log: PartitionLog, segment: Segment, batches: readonly TailBatch[]): Promise<void> {
    const { handles, reader } = this.#options
    await this.#ownDirectory(log)
    const index = await reader.indexOf(log, segment)
    await handles.use(segmentPath(log, segment, 'log'), async (file) => {
      if (!segment.isCut) await file.truncate(segment.flushedBytes)
      await file.write(
        batches.map((batch) => batch.bytes),
        segment.flushedBytes,
      )
    })
    segment.isCut = true
    segment.isUnsynced = true
    if (segment.flushedBytes === 0) log.hasUnsyncedNames = true
    log.tail.markFlushed(batches.length)
    for (const { lastOffset, maxTimestamp, position, bytes } of batches) {
      index.add({ lastOffset, maxTimestamp, position, sizeInBytes: bytes.length }, log.config.indexIntervalBytes)
      segment.flushedBytes += bytes.length
    }
    if (segment !== log.activeSegment && segment.flushedBytes === segment.sizeBytes) index.addLastTime()
    await this.#saveIndex(log, segment, index)
  }

  async #saveIndex(log: PartitionLog, segment: Segment, index: SegmentIndex): Promise<void> {
    const saved = index.savedBytes
    const { offsets, times } = index.unsaved()
    const isFirst = !segment.isIndexCut
    await this.#writeIndex(segmentPath(log, segment, 'index'), offsets, { at: saved.offsets, isFirst })
    await this.#writeIndex(segmentPath(log, segment, 'timeindex'), times, { at: saved.times, isFirst })
    index.markSaved()
    segment.isIndexCut = true
  }

  async #writeIndex(path: string, entries: Buffer, place: { at: number; isFirst: boolean }): Promise<void> {
    if (entries.length === 0 && !place.isFirst) return
    await this.#options.handles.use(path, async (file) => {
      if (place.isFirst) await file.truncate(place.at)
      if (entries.length > 0) await file.write([entries], place.at)
    })
  }

  /** The directory of a log that no checkpoint knows may hold what a crash left of another one. */
  async #ownDirectory(log: PartitionLog): Promise<void> {
    if (log.ownsDirectory) return
    const { files, handles } = this.#options
    await handles.forget(`${log.directory}/`)
    await files.removeDirectory(log.directory)
    await files.makeDirectory(log.directory)
    log.ownsDirectory = true
  }
}

export function asideDirectory({ id, topic, partition }: { id: number; topic: string; partition: number }): string {
  return `${logsDirectory}/${topic}-${partition}.${id}-delete`
}

export function logDirectory({ topic, partition }: { topic: string; partition: number }): string {
  return `${logsDirectory}/${topic}-${partition}`
}

export function segmentPath(log: PartitionLog, segment: Segment, extension: SegmentExtension): string {
  return `${log.directory}/${segmentFile(segment, extension)}`
}

/** Whether the disk is full: nothing is lost then, and it can be tried again. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

/** What of a compaction may still be needed: whether it is, the journal behind the checkpoint says. */
export function isSwapFile(name: string): boolean {
  return name.endsWith('.swap')
}

/**
 * Compares a log's files with what a checkpoint says: removes files it does not know, notes damage it finds. A
 * compaction that the checkpoint knows is brought to its end: its files may have one name or the other. True if there are files of compactions that it does not
 * know.
 */
export async function verifyLogFiles(files: Files, log: PartitionLog, storageLog: StorageLog): Promise<boolean> {
  const names = new Set(await files.list(log.directory))
  const known = new Set<string>()
  await finishSwaps(files, log, names)
  for (const segment of log.segments) {
    for (const extension of segmentExtensions) known.add(segmentFileName(segment.baseOffset, extension))
    if (segment.sizeBytes === 0) continue
    const path = segmentPath(log, segment, 'log')
    const size = names.has(segmentFileName(segment.baseOffset, 'log')) ? ((await files.sizeOf(path)) ?? 0) : 0
    if (size >= segment.sizeBytes) continue
    const what = `${path} has ${size} bytes, the checkpoint says ${segment.sizeBytes}`
    log.damage ??= new StorageError('PARTITION_DAMAGED', what)
    storageLog.warn('partition.damaged', { file: path, reason: what })
  }
  for (const name of names) if (!known.has(name) && !isSwapFile(name)) await files.remove(`${log.directory}/${name}`)
  return [...names].some(isSwapFile)
}

async function finishSwaps(files: Files, log: PartitionLog, names: Set<string>): Promise<void> {
  for (const segment of log.segments) {
    if (segment.place === 'log') continue
    for (const extension of segmentExtensions) {
      const swap = segmentFileName(segment.baseOffset, extension, '.swap')
      if (!names.delete(swap)) continue
      const name = segmentFileName(segment.baseOffset, extension)
      await files.rename(`${log.directory}/${swap}`, `${log.directory}/${name}`)
      names.add(name)
    }
    segment.place = 'log'
    await files.fsyncDirectory(log.directory)
  }
}
