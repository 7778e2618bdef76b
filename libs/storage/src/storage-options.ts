import type { StorageError } from './errors.ts'
import type { Files } from './files/files.ts'
import type { Durability, JournalMeter } from './journal/journal.ts'
import type { StorageLog } from './log.ts'

export interface StorageOptions {
  readonly files: Files
  /** When an entry counts as durable; see `Durability`. Default 'fsync'. */
  readonly durability?: Durability
  /**
   * A write or sync failed, or an entry could not be applied: nothing more is acknowledged, and the process should end.
   * Called once.
   */
  readonly onFatal: (error: StorageError) => void
  readonly log?: StorageLog
  /** Measures the group commit. Default: nobody does. */
  readonly meter?: JournalMeter
  /** `bytes` random bytes. Default: the platform's generator. */
  readonly random?: (bytes: number) => Buffer
  /** Runs a task once after a delay. Default: a timer that does not keep the process alive. */
  readonly after?: (delayMs: number, task: () => void) => void
  readonly limits?: Partial<StorageLimits>
}

export interface StorageLimits {
  /** Size of a journal file. */
  readonly journalFileBytes: number
  /** Size of the very first one: small, so that the first start is fast. */
  readonly firstJournalFileBytes: number
  /** A checkpoint follows after so much journal. */
  readonly checkpointJournalBytes: number
  /** Batches kept in memory for readers at the end of the logs, and until they are flushed. */
  readonly tailBytesMax: number
  /** Segment files are written once so many bytes of batches wait. */
  readonly flushBytes: number
  /** From so many unwritten journal bytes on, `whenRoomy` makes producers wait. */
  readonly pendingBytesMax: number
  /** Entries nobody waits for are written after this time at the latest. */
  readonly idleFlushMs: number
  /** Segment and index files kept open. */
  readonly openFilesMax: number
}

const MiB = 1_048_576

export const defaultLimits: StorageLimits = {
  journalFileBytes: 16 * MiB,
  firstJournalFileBytes: MiB / 4,
  checkpointJournalBytes: 64 * MiB,
  tailBytesMax: 64 * MiB,
  flushBytes: 4 * MiB,
  pendingBytesMax: 16 * MiB,
  idleFlushMs: 20,
  openFilesMax: 256,
}

export function platformRandom(bytes: number): Buffer {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes)))
}

export function platformTimer(delayMs: number, task: () => void): void {
  setTimeout(task, delayMs).unref()
}
