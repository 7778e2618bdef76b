import { StorageError } from '../errors.ts'
import { aligned, blockHeaderBytes, entryBytes, type EntryToAppend, writeBlock } from './block.ts'
import type { JournalPosition, JournalSpace } from './journal-space.ts'

/**
 * When an entry counts as durable. `fsync`: after fdatasync. `intervalMs`: when written; synced at most that much later
 * (a power cut may lose that much of what was acknowledged). `os`: when written; the system syncs when it likes.
 */
export type Durability = 'fsync' | 'os' | { readonly intervalMs: number }

export interface JournalOptions {
  readonly space: JournalSpace
  readonly journalId: Buffer
  readonly durability: Durability
  /** Entries nobody waits for are written at the latest after this time. */
  readonly idleFlushMs: number
  /** Called once, at the first failed write or sync; after it nothing is written or acknowledged any more. */
  readonly onFatal: (error: StorageError) => void
  /** Runs a task once after a delay. */
  readonly after: (delayMs: number, task: () => void) => void
  readonly meter?: JournalMeter | undefined
}

/** Is told how the group commit goes. Called for every block: it has to be quick, and must not throw. */
export interface JournalMeter {
  /** Milliseconds that never jump. */
  now(): number
  /** A block with these entries is in the file; its size with padding. */
  wrote(entries: readonly EntryToAppend[], bytes: number): void
  /** The file is synced; so long it took. */
  synced(durationMs: number): void
}

interface Waiter {
  readonly lsn: number
  readonly resolve: (block: JournalPosition) => void
  readonly reject: (error: StorageError) => void
}

/** Entries that must be in one block. */
interface Unit {
  readonly entries: readonly EntryToAppend[]
  readonly bytes: number
}

/** A block takes what has arrived, up to this size (and at least one unit). */
const blockBytesMax = 8 * 1_048_576
/** So much unwritten is written even if nobody waits for it. */
const unwrittenBytesMax = 1_048_576
/** A larger block takes longer to sync than a change of thread does. */
const blockingSyncBytesMax = 262_144
/** A larger block buffer is not kept. */
const keptBufferBytesMax = 2 * 1_048_576

/**
 * Group commit: one write with its sync is under way at a time, and all that arrives meanwhile becomes the next block.
 * A write starts when somebody waits for an entry (`durable`), so that the entries of a transaction, which only its
 * commit waits for, cost one sync together.
 */
export class Journal {
  readonly #options: JournalOptions
  #lastLsn: number
  #durableLsn: number
  #sequence: number
  #syncedSequence: number
  #lastBlock: JournalPosition
  #pending: Unit[] = []
  #pendingBytes = 0
  #waiters: Waiter[] = []
  #listeners = new Set<(lsn: number) => void>()
  #running: Promise<void> | undefined
  #idleFlushSet = false
  #syncSet = false
  /** Whether one waiter alone had the block before. */
  #wasSolitary = false
  #failure: StorageError | undefined
  #buffer = Buffer.alloc(65_536)
  #writtenBytes = 0

  constructor(options: JournalOptions, at: { lastLsn: number; nextSequence: number; lastBlock: JournalPosition }) {
    this.#options = options
    this.#lastLsn = at.lastLsn
    this.#durableLsn = at.lastLsn
    this.#sequence = at.nextSequence
    this.#syncedSequence = at.nextSequence - 1
    this.#lastBlock = at.lastBlock
  }

  get lastLsn(): number {
    return this.#lastLsn
  }

  get durableLsn(): number {
    return this.#durableLsn
  }

  /** Bytes that have been appended but not written yet. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Bytes written since this journal was opened. */
  get writtenBytes(): number {
    return this.#writtenBytes
  }

  get failure(): StorageError | undefined {
    return this.#failure
  }

  /** Takes entries that become durable together or not at all; returns the number of the last one. */
  append(entries: readonly EntryToAppend[]): number {
    if (this.#failure !== undefined) throw this.#failure
    const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0)
    this.#pending.push({ entries, bytes })
    this.#pendingBytes += bytes
    this.#lastLsn += entries.length
    if (this.#pendingBytes >= unwrittenBytesMax) this.demand()
    else if (!this.#idleFlushSet) this.#flushWhenIdle()
    return this.#lastLsn
  }

  /** Settles when the entry is durable, with the place of its block. In order of `lsn`; rejects once the journal failed. */
  durable(lsn: number): Promise<JournalPosition> {
    if (lsn <= this.#durableLsn) return Promise.resolve(this.#lastBlock)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    this.demand()
    return new Promise((resolve, reject) => this.#waiters.push({ lsn, resolve, reject }))
  }

  /** Starts writing what is pending, unless a write is under way (which then goes on with it). */
  demand(): void {
    if (this.#running !== undefined || this.#failure !== undefined || this.#pending.length === 0) return
    // A turn later, so that all that one request appends is in one block.
    this.#running = Promise.resolve().then(() => this.#run())
  }

  /** Calls the listener with the newest durable entry, each time before those who wait for it go on. */
  onDurable(listener: (lsn: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Waits until all that was appended is durable, synced in every mode; nothing may be appended after. */
  async close(): Promise<void> {
    await this.durable(this.#lastLsn)
    await this.#running
    if (this.#failure === undefined && this.#syncedSequence < this.#sequence - 1) await this.#sync()
    this.#failure ??= new StorageError('CLOSED', 'the storage has been closed')
    await this.#options.space.close()
  }

  #flushWhenIdle(): void {
    this.#idleFlushSet = true
    this.#options.after(this.#options.idleFlushMs, () => {
      this.#idleFlushSet = false
      this.demand()
    })
  }

  async #run(): Promise<void> {
    try {
      while (this.#pending.length > 0 && this.#failure === undefined) await this.#writeOne()
    } catch (cause) {
      this.fail(cause)
    } finally {
      this.#running = undefined
    }
  }

  async #writeOne(): Promise<void> {
    const { space, durability, meter } = this.#options
    const { entries, bytes } = this.#take()
    const block = this.#block(entries, bytes)
    const place = await space.write(block)
    const sequence = this.#sequence++
    meter?.wrote(entries, block.length)
    if (durability === 'fsync') {
      await this.#syncFile(this.#mayBlock(bytes))
      this.#syncedSequence = sequence
    } else if (durability !== 'os') this.#syncLater(durability.intervalMs)
    this.#writtenBytes += block.length
    this.#lastBlock = { ...place, sequence }
    this.#advance(this.#durableLsn + entries.length)
  }

  /**
   * Whether the thread may be held up by this block's sync. Where several requests share their syncs it had better read
   * the next ones meanwhile; the block before tells that, because the first of many is always alone.
   */
  #mayBlock(bytes: number): boolean {
    const isSolitary = this.#waiters.length === 1 && this.#pending.length === 0
    const mayBlock = isSolitary && this.#wasSolitary && bytes <= blockingSyncBytesMax
    this.#wasSolitary = isSolitary
    return mayBlock
  }

  #take(): { entries: EntryToAppend[]; bytes: number } {
    const entries: EntryToAppend[] = []
    let bytes = 0
    let count = 0
    for (const unit of this.#pending) {
      if (count > 0 && bytes + unit.bytes > blockBytesMax) break
      for (const entry of unit.entries) entries.push(entry)
      bytes += unit.bytes
      count += 1
    }
    this.#pending.splice(0, count)
    this.#pendingBytes -= bytes
    return { entries, bytes }
  }

  #block(entries: readonly EntryToAppend[], bytes: number): Buffer {
    const needed = aligned(blockHeaderBytes + bytes)
    let buffer = this.#buffer
    if (buffer.length < needed) buffer = Buffer.alloc(Math.max(needed, buffer.length * 2))
    if (buffer.length <= keptBufferBytesMax) this.#buffer = buffer
    const header = {
      sequence: this.#sequence,
      firstLsn: this.#durableLsn + 1,
      durableSequence: this.#syncedSequence,
      journalId: this.#options.journalId,
    }
    return buffer.subarray(0, writeBlock(buffer, header, entries))
  }

  #syncLater(intervalMs: number): void {
    if (this.#syncSet) return
    this.#syncSet = true
    this.#options.after(intervalMs, () => {
      this.#syncSet = false
      if (this.#failure === undefined) this.#sync().catch((cause: unknown) => this.fail(cause))
    })
  }

  async #sync(): Promise<void> {
    const covered = this.#sequence - 1
    await this.#syncFile()
    this.#syncedSequence = Math.max(this.#syncedSequence, covered)
  }

  async #syncFile(mayBlock = false): Promise<void> {
    const { space, meter } = this.#options
    const startMs = meter?.now() ?? 0
    await space.sync({ mayBlock })
    if (meter !== undefined) meter.synced(meter.now() - startMs)
  }

  #advance(lsn: number): void {
    this.#durableLsn = lsn
    for (const listener of this.#listeners) listener(lsn)
    const waiting: Waiter[] = []
    for (const waiter of this.#waiters) {
      if (waiter.lsn <= lsn) waiter.resolve(this.#lastBlock)
      else waiting.push(waiter)
    }
    this.#waiters = waiting
  }

  /**
   * Ends the journal: rejects all who wait and reports the failure. A write or sync that failed may have left anything
   * on the disk (the kernel drops the pages), so nothing is tried again.
   */
  fail(cause: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure =
      cause instanceof StorageError
        ? cause
        : new StorageError(
            'WRITE_FAILED',
            `writing failed: ${cause instanceof Error ? cause.message : String(cause)}`,
            {
              cause,
            },
          )
    const waiters = this.#waiters
    this.#waiters = []
    this.#pending = []
    for (const waiter of waiters) waiter.reject(this.#failure)
    this.#options.onFatal(this.#failure)
  }
}
