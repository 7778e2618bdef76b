import type { AggregateDescriptor } from '@keyfold/eventsourcing'
import type { KafkaClient } from '@keyfold/kafka'
import type { EventCodec } from './event-codec.ts'
import type { GateOptions, StartRetry } from './gate/gate-options.ts'
import type { PreflightMode } from './preflight/preflight-findings.ts'
import type { SharedOwnership } from './ownership/ownership-options.ts'
import type { EventStoreSignal } from './signals.ts'

export type EventStoreLogger = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void

export interface EventStoreOptions {
  /** Names the writers to the cluster: two applications with one name fence each other. */
  readonly application: string
  readonly kafka: KafkaClient
  readonly codec: EventCodec
  readonly aggregates: readonly AggregateDescriptor[]
  /** Of topics that are created; existing topics keep theirs. Default 4. Fixed for a topic's life. */
  readonly partitions?: number
  readonly clock?: () => Date
  readonly newId?: () => string
  readonly logger?: EventStoreLogger
  readonly limits?: Partial<EventStoreLimits>
  /**
   * Where the folded aggregates and the command ids of its partitions are kept, as SQLite files: a cache, which may be
   * deleted at any time. Left out: in memory, so that a start reads each partition from its beginning, and aggregates
   * that are not used stay in memory as text.
   */
  readonly dataDirectory?: string
  /**
   * `alone` (default): this process owns every partition; no group, no port. `shared`: instances of the application
   * share them; the settings say who reaches whom.
   */
  readonly ownership?: 'alone' | 'shared' | SharedOwnership
  /** Hears what happens, for metrics. */
  readonly onSignal?: (signal: EventStoreSignal) => void
  /** What is done about topics that can lose events, before anything is written. Default `refuse`. */
  readonly preflight?: PreflightMode
  /** What is looked at before commands are taken. */
  readonly gate?: GateOptions
  /** How often a registry that cannot be reached is tried at start. */
  readonly startRetry?: StartRetry
}

/** Bounds, each per partition unless it says otherwise. */
export interface EventStoreLimits {
  /** Commands decided and committed together. */
  readonly batchCommands: number
  /** Bytes of records committed together; stay well below the topic's `max.message.bytes`. */
  readonly batchBytes: number
  /** Commands that may wait; more are answered OVERLOADED. */
  readonly queuedCommands: number
  /** How long a caller waits unless it says otherwise, in milliseconds. */
  readonly deadlineMs: number
  /** Accepted command ids that a repeat is recognised by: at least the last ones of the partition. */
  readonly acceptedCommands: number
  /** … and not for longer than this, in milliseconds. An older one is decided anew when it is repeated. */
  readonly acceptedWindowMs: number
  /** Rejected and no-op command ids kept in memory and in the state topic. */
  readonly rejectedCommands: number
  /** … and not for longer than this, in milliseconds. */
  readonly rejectedWindowMs: number
  /** Aggregates kept in memory; others are taken from the local store when they are needed. */
  readonly cachedAggregates: number
  /** Their bytes, roughly. */
  readonly cachedBytes: number
  /**
   * The local store is written when so many aggregates have changed, or eight times as many events have come. After a
   * crash that much is read from the log again.
   */
  readonly checkpointAggregates: number
  /** An aggregate's state is written to the state topic every so many events. 0: never. */
  readonly snapshotEvery: number
  /**
   * After this the cluster aborts an open transaction and fences its writer, in milliseconds. Longer than a commit can
   * take (three requests), so that only a writer that is gone is fenced by the clock.
   */
  readonly transactionTimeoutMs: number
  /** Partitions of the whole store that are claimed at the same time. */
  readonly claimsAtOnce: number
}

export const defaultLimits: EventStoreLimits = {
  batchCommands: 500,
  batchBytes: 768 * 1024,
  queuedCommands: 10_000,
  deadlineMs: 10_000,
  acceptedCommands: 100_000,
  acceptedWindowMs: 24 * 3_600_000,
  rejectedCommands: 10_000,
  rejectedWindowMs: 24 * 3_600_000,
  cachedAggregates: 10_000,
  cachedBytes: 64 * 1_048_576,
  checkpointAggregates: 512,
  snapshotEvery: 100,
  transactionTimeoutMs: 60_000,
  claimsAtOnce: 8,
}
