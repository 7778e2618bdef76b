/** How carefully an event store looks at what is stored before it takes commands. */
export interface GateOptions {
  /**
   * What follows when the code cannot read what is registered or stored: `refuse` to start, `warn` in the log and start, or
   * `off`: do not look. Default `refuse`.
   */
  readonly mode?: 'refuse' | 'warn' | 'off'
  /** Newest records of each partition that are decoded. Default 50; 0 leaves them out. */
  readonly newestPerPartition?: number
  /**
   * Records of each partition, from its start, in which the first one of every schema is looked for and decoded; ends
   * early when all that are registered were met. Default 5,000; 0 leaves them out.
   */
  readonly scannedPerPartition?: number
}

/** How long to wait for a schema registry at start. */
export interface StartRetry {
  /** Tries in all, from 1. Default 3. */
  readonly attempts?: number
  /** Before the second try, in milliseconds; doubled before every further one. Default 250. */
  readonly delayMs?: number
}

export const defaultGate: Required<GateOptions> = { mode: 'refuse', newestPerPartition: 50, scannedPerPartition: 5_000 }

export const defaultStartRetry: Required<StartRetry> = { attempts: 3, delayMs: 250 }
