/**
 * The operating errors of starting and running a broker, as one table: what went wrong, and what to do about it.
 * Protocol errors towards clients are a different table (`@keyfold/protocol`).
 */
const table = {
  PORT_IN_USE: 'Stop the process that listens there, or choose another port (0 picks a free one).',
  LISTEN_FAILED: 'Choose a host name or address of this machine and a port that this user may open.',
  DATA_DIRECTORY_LOCKED: 'Stop that process, or give this broker a data directory of its own.',
  DATA_DIRECTORY_UNUSABLE: 'Choose a directory on a local disk that this user may create and write.',
  JOURNAL_CORRUPT: 'Restore the directory from a backup; nothing was changed. Do not cut the file by hand.',
  CHECKPOINT_CORRUPT: 'Restore the directory from a backup; nothing was changed.',
  FORMAT_UNSUPPORTED: 'Start the version of Keyfold that wrote the directory, or choose another directory.',
  STORAGE_FAILED:
    'Check the disk (free space, errors in the system log), then start the broker again: it recovers by itself.',
  CONFIG_INVALID: 'Correct the setting and start again.',
  BROKER_FAILED: 'This is a fault in the broker: report it with the text above, then start again.',
} as const

export type BrokerErrorCode = keyof typeof table

/** An error that ends a broker or keeps it from starting: `code`, what happened (`cause` kept), and `fix`. */
export class BrokerError extends Error {
  readonly code: BrokerErrorCode
  /** What to do about it. */
  readonly fix: string

  constructor(code: BrokerErrorCode, what: string, options: { cause?: unknown; fix?: string } = {}) {
    super(what, 'cause' in options ? { cause: options.cause } : {})
    this.name = 'BrokerError'
    this.code = code
    this.fix = options.fix ?? table[code]
  }

  /** The error as people read it: `CODE: what. Fix: …`, always one line. */
  toLine(): string {
    const what = this.message.replaceAll(/\s*\n\s*/g, ' ').replace(/\.$/, '')
    return `${this.code}: ${what}. Fix: ${this.fix}`
  }
}
