/**
 * The only door to the disk. Paths are relative to one data directory, with `/` between names ('' is the directory
 * itself). Everything that must survive a power cut has to be asked for: bytes by `fdatasync`, names by `fsyncDirectory`.
 */
export interface Files {
  /** For messages: where this is, as its user knows it. */
  readonly location: string
  /**
   * Claims the data directory for this process until the release function is called or the process ends in any way.
   * Throws StorageError DATA_DIRECTORY_LOCKED if another one holds it.
   */
  lock(): Promise<() => Promise<void>>
  open(path: string, mode: OpenMode): Promise<OpenFile>
  /** Size in bytes, or undefined if there is no such file. */
  sizeOf(path: string): Promise<number | undefined>
  /** Names of the entries of a directory, sorted; an absent directory is empty. */
  list(directory: string): Promise<string[]>
  /** Makes a directory and the missing ones above it; each of them durable. */
  makeDirectory(directory: string): Promise<void>
  /** Replaces `to` if it exists. Both lie in the same directory. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file; an absent one is no error. */
  remove(path: string): Promise<void>
  /** Removes a directory and all that is in it; an absent one is no error. */
  removeDirectory(directory: string): Promise<void>
  /** Makes created, renamed and removed names of this directory durable. */
  fsyncDirectory(directory: string): Promise<void>
}

/** `read`: must exist. `write`: read and write, created if missing. */
export type OpenMode = 'read' | 'write'

export interface SyncOptions {
  /** Nobody waits for this thread but the one who waits for the sync: where that is quicker, it may be held up for it. */
  readonly mayBlock: boolean
}

export interface OpenFile {
  /** Reads up to `target.length` bytes at `position`; returns how many there were: fewer only at the end of the file. */
  read(target: Buffer, position: number): Promise<number>
  /** Writes all the bytes one after the other from `position` on. */
  write(chunks: readonly Buffer[], position: number): Promise<void>
  /** Returns when all that was written before the call is on the disk. A failure means that it may be lost: never retry. */
  fdatasync(options?: SyncOptions): Promise<void>
  truncate(size: number): Promise<void>
  close(): Promise<void>
}
