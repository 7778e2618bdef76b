/** The operating errors of storage as one table: code, and what to do about it. */
const table = {
  DATA_DIRECTORY_LOCKED: 'Stop that process, or choose another data directory.',
  DATA_DIRECTORY_UNUSABLE: 'Choose a directory on a local disk that this user may create and write.',
  JOURNAL_CORRUPT: 'Restore the data directory from a backup; nothing was cut. Do not cut the file by hand.',
  CHECKPOINT_CORRUPT: 'Restore the data directory from a backup.',
  FORMAT_UNSUPPORTED: 'Open this data directory with the release that wrote it, or a later one.',
  PARTITION_DAMAGED: 'Restore the partition directory from a backup; the other partitions are not affected.',
  WRITE_FAILED: 'Check the disk (free space, errors in the system log), then start again: recovery is automatic.',
  CLOSED: 'Open the storage again before using it.',
} as const

export type StorageErrorCode = keyof typeof table

/** An operating error of storage: a stable `code`, what happened (with file and position, `cause` kept), and `fix`. */
export class StorageError extends Error {
  readonly code: StorageErrorCode
  /** What to do about it, one sentence. */
  readonly fix: string

  constructor(code: StorageErrorCode, what: string, options: { cause?: unknown } = {}) {
    super(what, 'cause' in options ? { cause: options.cause } : {})
    this.name = 'StorageError'
    this.code = code
    this.fix = table[code]
  }
}

/** A broken invariant: a fault in this program, never of its input. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${invariant}`)
}
