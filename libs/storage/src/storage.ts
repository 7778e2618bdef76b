import { type Checkpoint, readCheckpoint } from './checkpoint/checkpoint-file.ts'
import { Checkpointer } from './checkpoint/checkpointer.ts'
import { assert, StorageError } from './errors.ts'
import { type KeepBatch, SegmentRewriter } from './compaction/segment-rewriter.ts'
import type { EntryToAppend } from './journal/block.ts'
import { entryKinds } from './journal/entry-kinds.ts'
import { Journal } from './journal/journal.ts'
import {
  createJournalFile,
  firstBlockPosition,
  journalDirectory,
  journalIndexes,
  journalPath,
  readJournalId,
  readWhole,
} from './journal/journal-file.ts'
import type { JournalSpace } from './journal/journal-space.ts'
import { silentLog } from './log.ts'
import { HandleCache } from './partition-log/handle-cache.ts'
import { LogReader, type LogReadRequest, type TimeSearch } from './partition-log/log-reader.ts'
import type { PartitionLog } from './partition-log/partition-log.ts'
import { PartitionLogs, type PartitionObserver } from './partition-log/partition-logs.ts'
import type { Segment } from './partition-log/segment.ts'
import { isDiskFull, logsDirectory, SegmentWriter } from './partition-log/segment-writer.ts'
import { TailBudget } from './partition-log/tail-budget.ts'
import { recoverStorage } from './recovery.ts'
import type { JournaledState } from './state.ts'
import type { StateDispatch } from './state-dispatch.ts'
import {
  defaultLimits,
  platformRandom,
  platformTimer,
  type StorageLimits,
  type StorageOptions,
} from './storage-options.ts'

/**
 * Claims a data directory and reads its checkpoint; call `recover` next.
 * Throws StorageError DATA_DIRECTORY_LOCKED, DATA_DIRECTORY_UNUSABLE, CHECKPOINT_CORRUPT, JOURNAL_CORRUPT or
 * FORMAT_UNSUPPORTED.
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { files } = options
  const release = await files.lock()
  try {
    await files.makeDirectory(journalDirectory)
    await removeUnfinished(options)
    await confirmNames(options)
    const limits = { ...defaultLimits, ...options.limits }
    const checkpoint = await readCheckpoint(files)
    const journalId = checkpoint?.journalId ?? (await findOrCreateJournal(options, limits))
    return new Storage({ ...options, limits }, { journalId, checkpoint, release })
  } catch (cause) {
    await release()
    if (cause instanceof StorageError) throw cause
    throw new StorageError('DATA_DIRECTORY_UNUSABLE', `cannot use ${files.location}: ${String(cause)}`, { cause })
  }
}

/** What is to be written anew of a log. */
export interface LogRewrite {
  /** Consecutive ones of the log's `settledSegments`. */
  readonly segments: readonly Segment[]
  /** Up to where the log is compacted afterwards. */
  readonly cleanedOffset: number
  readonly keep: KeepBatch
  readonly entries?: () => readonly EntryToAppend[]
}

interface Opened {
  readonly journalId: Buffer
  readonly checkpoint: Checkpoint | undefined
  readonly release: () => Promise<void>
}

/** A data directory: the journal, the states made from it, and the partition logs. */
export class Storage {
  /** All partition logs. */
  readonly partitions: PartitionLogs
  readonly #options: StorageOptions & { readonly limits: StorageLimits }
  readonly #opened: Opened
  readonly #tails: TailBudget
  readonly #handles: HandleCache
  readonly #reader: LogReader
  readonly #writer: SegmentWriter
  readonly #checkpointer: Checkpointer
  readonly #rewriter: SegmentRewriter
  #journal: Journal | undefined
  #space: JournalSpace | undefined
  #dispatch: StateDispatch | undefined
  #closing: Promise<void> | undefined

  constructor(options: StorageOptions & { readonly limits: StorageLimits }, opened: Opened) {
    this.#options = options
    this.#opened = opened
    const { files, limits, log = silentLog } = options
    this.#tails = new TailBudget(limits.tailBytesMax)
    this.#handles = new HandleCache(files, limits.openFilesMax)
    this.#reader = new LogReader(files, this.#handles, log)
    this.#writer = new SegmentWriter({ files, handles: this.#handles, reader: this.#reader })
    this.#checkpointer = new Checkpointer({
      files,
      log,
      limits,
      journalId: opened.journalId,
      handles: this.#handles,
      writer: this.#writer,
      tails: this.#tails,
    })
    this.partitions = new PartitionLogs(this.#checkpointer, this.#tails)
    this.#rewriter = new SegmentRewriter({
      files,
      reader: this.#reader,
      writer: this.#writer,
      isAlive: (candidate) => this.partitions.byId(candidate.id) === candidate,
    })
  }

  /**
   * Brings the states to where the journal ends: the last checkpoint, then every entry after it. Cuts a torn tail and
   * throws StorageError JOURNAL_CORRUPT if something durable is missing. Call it once, before anything is appended.
   */
  async recover({
    states = [],
    observer,
  }: { states?: readonly JournaledState[]; observer?: PartitionObserver } = {}): Promise<void> {
    assert(this.#journal === undefined, 'storage is recovered once')
    const { files, limits, log = silentLog, durability = 'fsync' } = this.#options
    const { journalId, checkpoint } = this.#opened
    if (observer !== undefined) this.partitions.observe(observer)
    const { space, dispatch, ...end } = await recoverStorage({
      files,
      limits,
      log,
      journalId,
      checkpoint,
      logs: this.partitions,
      states,
      writer: this.#writer,
      tails: this.#tails,
    }).catch(async (error: unknown) => {
      await this.close()
      throw error
    })
    const journal = new Journal(
      {
        space,
        journalId,
        durability,
        idleFlushMs: limits.idleFlushMs,
        onFatal: this.#options.onFatal,
        after: this.#options.after ?? platformTimer,
        meter: this.#options.meter,
      },
      end,
    )
    journal.onDurable((lsn) => {
      this.partitions.advanceDurable(lsn)
      this.#checkpointer.consider()
    })
    this.#journal = journal
    this.#space = space
    this.#dispatch = dispatch
    this.#checkpointer.start({ journal, space, dispatch, logs: this.partitions }, end.replayedBytes)
  }

  /** Where the data is, as its user knows it. */
  get location(): string {
    return this.#options.files.location
  }

  /** Number of the last entry, durable or not; numbers grow by one and survive restarts. */
  get lastLsn(): number {
    return this.#started().lastLsn
  }

  get durableLsn(): number {
    return this.#started().durableLsn
  }

  /** Bytes that wait to be written to the journal. */
  get pendingBytes(): number {
    return this.#started().pendingBytes
  }

  /** False while the disk is full or after a failure: reading goes on, appending should be refused. */
  get acceptsWrites(): boolean {
    const journal = this.#started()
    if (journal.failure !== undefined) return false
    const hasRoom = this.#space?.hasRoomFor(journal.pendingBytes + reserveBytes) ?? false
    if (!hasRoom) this.#space?.prepare()
    return hasRoom
  }

  /** Journals an entry and applies it to the state it belongs to; returns its number. Not durable yet: see `durable`. */
  append(kind: number, payload: Buffer): number {
    return this.appendAtomic([{ kind, payload }])
  }

  /** The same for several entries: after a crash all of them are there, or none. Returns the last number. */
  appendAtomic(entries: readonly EntryToAppend[]): number {
    const journal = this.#started()
    const lastLsn = journal.append(entries)
    let lsn = lastLsn - entries.length
    try {
      for (const { kind, payload, body } of entries) {
        lsn += 1
        if (kind === entryKinds.batch && body !== undefined)
          this.partitions.applyBatch(payload.readInt32BE(0), body, lsn)
        else this.#dispatch?.apply(kind, payload, lsn)
      }
    } catch (error) {
      // The journal has the entry, the state does not: to go on would be to diverge.
      journal.fail(error)
      throw error
    }
    return lastLsn
  }

  /** Settles when the entry and all before it are durable. Rejects with StorageError after a failure. */
  async durable(lsn: number): Promise<void> {
    await this.#started().durable(lsn)
  }

  /** Starts writing what has been appended although nobody waits for it. */
  demand(): void {
    this.#started().demand()
  }

  /** Calls the listener with the newest durable entry whenever there is one; before those who wait for it go on. */
  onDurable(listener: (lsn: number) => void): () => void {
    return this.#started().onDurable(listener)
  }

  /** Backpressure: undefined, or a promise that a producer has to wait for before it appends more. */
  whenRoomy(): Promise<void> | undefined {
    const journal = this.#started()
    const { pendingBytesMax, tailBytesMax } = this.#options.limits
    if (journal.pendingBytes >= pendingBytesMax) return this.durable(journal.lastLsn)
    if (this.#tails.bytes >= 2 * tailBytesMax) return this.#checkpointer.flush()
    return undefined
  }

  /** Whole batches of a partition from the one that holds `offset`. Throws StorageError PARTITION_DAMAGED. */
  read(log: PartitionLog, request: LogReadRequest): Promise<Buffer[]> {
    return this.#reader.read(log, request)
  }

  /** The first whole batch in a range whose header says that it has a record at or after a time. */
  batchAtTime(log: PartitionLog, search: TimeSearch): Promise<Buffer | undefined> {
    return this.#reader.batchAtTime(log, search)
  }

  /**
   * Writes consecutive settled segments of a log anew and puts the outcome in their place, together with the entries of
   * other states that belong to it. False if the log or one of the segments is gone meanwhile: then nothing changes.
   * The old files go with the next checkpoint, and the log can be rewritten again after the one that follows it.
   */
  async rewrite(log: PartitionLog, { segments, cleanedOffset, keep, entries }: LogRewrite): Promise<boolean> {
    const replacements = await this.#rewriter.write(log, segments, keep)
    if (replacements === undefined) return false
    // From here to the journal nothing else runs.
    const isWhole = this.partitions.byId(log.id) === log && segments.every((segment) => log.segments.includes(segment))
    if (!isWhole) {
      await this.#rewriter.discard(log, segments)
      return false
    }
    const lsn = this.appendAtomic([...(entries?.() ?? []), this.partitions.cleaned(log, replacements, cleanedOffset)])
    await this.durable(lsn)
    return true
  }

  /** Makes a checkpoint of everything appended so far. */
  checkpoint(): Promise<void> {
    this.#started()
    return this.#checkpointer.run()
  }

  /** Waits until everything is durable, makes a checkpoint and releases the directory. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    try {
      if (this.#journal !== undefined && this.#journal.failure === undefined) {
        // On a full disk the journal alone has it all: the next start reads it.
        await this.#checkpointer.run().catch((error: unknown) => {
          if (!isDiskFull(error)) throw error
        })
        await this.#journal.close()
      }
    } finally {
      await this.#handles.close()
      await this.#opened.release()
    }
  }

  #started(): Journal {
    assert(this.#journal !== undefined, 'storage has been recovered before it is used')
    return this.#journal
  }
}

/** So much room in the journal is kept for what frees space: removals and checkpoints. */
const reserveBytes = 262_144

async function findOrCreateJournal(options: StorageOptions, limits: StorageLimits): Promise<Buffer> {
  const { files, random = platformRandom } = options
  const [first] = await journalIndexes(files)
  if (first === undefined) {
    const journalId = random(16)
    const bytes = Math.max(limits.firstJournalFileBytes, 2 * firstBlockPosition)
    await createJournalFile(files, { index: 1, bytes, journalId })
    return journalId
  }
  const path = journalPath(first)
  if (first > 1)
    throw new StorageError('CHECKPOINT_CORRUPT', `the checkpoint is missing: the journal starts at ${path}`)
  return readJournalId(path, (await readWhole(files, path)) ?? Buffer.alloc(0))
}

/**
 * Names that a killed process has made may be in the system's memory only. Before anything relies on them (a checkpoint
 * whose journal is then used again, a journal file that is then written) they have to be on the disk.
 */
async function confirmNames({ files }: StorageOptions): Promise<void> {
  for (const directory of ['', journalDirectory, logsDirectory]) {
    if ((await files.list(directory)).length > 0) await files.fsyncDirectory(directory)
  }
}

/** What a crash left half-made under a temporary name. */
async function removeUnfinished({ files }: StorageOptions): Promise<void> {
  for (const directory of ['', journalDirectory]) {
    for (const name of await files.list(directory)) {
      if (name.endsWith('.tmp')) await files.remove(directory === '' ? name : `${directory}/${name}`)
    }
  }
}
