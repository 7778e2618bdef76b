import { fewAtOnce } from '../few-at-once.ts'
import type { Files } from '../files/files.ts'
import type { Journal } from '../journal/journal.ts'
import { journalIndexes } from '../journal/journal-file.ts'
import type { JournalSpace } from '../journal/journal-space.ts'
import type { StorageLog } from '../log.ts'
import { flushDue, FlushRounds } from '../partition-log/flush-rounds.ts'
import type { HandleCache } from '../partition-log/handle-cache.ts'
import type { PartitionLog } from '../partition-log/partition-log.ts'
import type { LogEvents, PartitionLogs } from '../partition-log/partition-logs.ts'
import { type Segment, segmentExtensions, segmentFileName } from '../partition-log/segment.ts'
import { isDiskFull, type SegmentWriter } from '../partition-log/segment-writer.ts'
import type { Tail } from '../partition-log/tail.ts'
import type { TailBudget } from '../partition-log/tail-budget.ts'
import type { StateDispatch } from '../state-dispatch.ts'
import type { StorageLimits } from '../storage-options.ts'
import { writeCheckpoint } from './checkpoint-file.ts'

/** File systems make syncs of several files that come together durable with one write of theirs. */
const syncsAtOnce = 8

export interface CheckpointerOptions {
  readonly files: Files
  readonly log: StorageLog
  readonly limits: StorageLimits
  readonly journalId: Buffer
  readonly handles: HandleCache
  readonly writer: SegmentWriter
  readonly tails: TailBudget
}

/** What exists only once recovery is done. */
export interface Recovered {
  readonly journal: Journal
  readonly space: JournalSpace
  readonly dispatch: StateDispatch
  readonly logs: PartitionLogs
}

/**
 * Moves what the journal holds to where it stays: batches into segment files, states into the checkpoint file; then the
 * journal behind it is free. Nothing that the newest checkpoint refers to is ever deleted or renamed: files that are no
 * longer needed go after the next one.
 */
export class Checkpointer implements LogEvents {
  readonly #options: CheckpointerOptions
  readonly #rounds: FlushRounds
  #recovered: Recovered | undefined
  #running: Promise<void> | undefined
  #dueAtBytes: number
  #droppedFiles: string[] = []

  constructor(options: CheckpointerOptions) {
    this.#options = options
    this.#rounds = new FlushRounds(options.limits)
    this.#dueAtBytes = options.limits.checkpointJournalBytes
  }

  /** `replayedBytes` of journal have been read since the last checkpoint: they count towards the next one. */
  start(recovered: Recovered, replayedBytes: number): void {
    this.#recovered = recovered
    this.#dueAtBytes -= replayedBytes
  }

  segmentsDropped(log: PartitionLog, segments: readonly Segment[]): void {
    for (const { baseOffset, place } of segments) {
      for (const extension of segmentExtensions) {
        this.#droppedFiles.push(`${log.directory}/${segmentFileName(baseOffset, extension)}`)
        if (place === 'log') continue
        this.#droppedFiles.push(`${log.directory}/${segmentFileName(baseOffset, extension, '.swap')}`)
      }
    }
  }

  segmentsReplaced(log: PartitionLog, segments: readonly Segment[]): void {
    const kept = new Set(log.segments.map(({ baseOffset }) => baseOffset))
    this.segmentsDropped(
      log,
      segments.filter(({ baseOffset }) => !kept.has(baseOffset)),
    )
  }

  logRemoved(log: PartitionLog): void {
    const { writer, tails } = this.#options
    tails.remove(log)
    this.#inBackground(writer.enqueue(() => writer.setAside(log)))
  }

  /** Called after every commit: starts what is due, in the background. */
  consider(): void {
    const { limits, writer } = this.#options
    const { journal, logs } = this.#needRecovered()
    if (journal.writtenBytes >= this.#dueAtBytes && this.#running === undefined) this.#inBackground(this.run())
    else if (logs.unflushedBytes >= limits.flushBytes && writer.isIdle) {
      this.#inBackground(this.#flush(this.#rounds.begin(journal.lastLsn)))
    }
  }

  /** Writes all durable batches into their segment files, without syncing them. */
  flush(): Promise<void> {
    return this.#flush(() => true)
  }

  /** Makes a checkpoint of all that has been appended; one at a time. */
  async run(): Promise<void> {
    while (this.#running !== undefined) await this.#running.catch(() => {})
    this.#running = this.#checkpoint().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  #flush(isDue: (tail: Tail) => boolean): Promise<void> {
    const { writer, tails } = this.#options
    const { journal, logs } = this.#needRecovered()
    logs.takeUnflushed()
    return writer.enqueue(() => flushDue({ logs, writer, tails }, isDue, () => journal.durableLsn))
  }

  async #checkpoint(): Promise<void> {
    const { files, journalId, limits, log, writer, handles } = this.#options
    const { journal, space, dispatch, logs } = this.#needRecovered()
    // On failure (a full disk) the next try comes early.
    this.#dueAtBytes = journal.writtenBytes + limits.checkpointJournalBytes / 8
    // From here to the first await nothing else runs: this is the instant that the checkpoint describes.
    const lsn = journal.lastLsn
    const snapshots = dispatch.snapshots()
    const droppedFiles = this.#droppedFiles
    this.#droppedFiles = []
    const leaving = [...logs.leaving]
    const live = logs.all()
    const closed = live.flatMap((partition) => partition.segments.slice(0, -1))
    const settled = closed.filter(({ place }) => place === 'log')
    const swapped = live.flatMap((partition) => swappedSegments(partition))
    logs.takeUnflushed()
    const from = await journal.durable(lsn)
    await writer.enqueue(async () => {
      for (const partition of live) await writer.flush(partition, journal.durableLsn)
      await fewAtOnce(live, syncsAtOnce, (partition) => writer.sync(partition)).catch((error: unknown) => {
        // What a failed sync has dropped a second one would call durable: not even a full disk is tried again.
        journal.fail(error)
        throw error
      })
    })
    await writeCheckpoint(files, { journalId, lsn, from, snapshots })
    this.#dueAtBytes = journal.writtenBytes + limits.checkpointJournalBytes
    for (const segment of settled) segment.isSettled = true
    await writer.enqueue(async () => {
      for (const { partition, segment } of swapped) {
        // A log that was removed meanwhile is deleted as a whole.
        if (!leaving.includes(partition) && !logs.leaving.has(partition)) await writer.settle(partition, segment)
      }
      for (const path of droppedFiles) {
        await handles.forget(path)
        await files.remove(path)
      }
      for (const removed of leaving) {
        await handles.forget(`${removed.directory}/`)
        await files.removeDirectory(removed.directory)
        logs.leaving.delete(removed)
      }
    })
    this.#options.tails.shrink()
    await space.release(from.index, await journalIndexes(files))
    space.prepare()
    log.info('storage.checkpoint', { lsn, journalFile: from.index, partitions: live.length })
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (isDiskFull(error)) this.#options.log.warn('storage.disk-full', { cause: String(error) })
      else this.#recovered?.journal.fail(error)
    })
  }

  #needRecovered(): Recovered {
    if (this.#recovered === undefined) throw new Error('storage is used before it has been recovered')
    return this.#recovered
  }
}

function swappedSegments(partition: PartitionLog): { partition: PartitionLog; segment: Segment }[] {
  return partition.segments.filter(({ place }) => place === 'swap').map((segment) => ({ partition, segment }))
}
