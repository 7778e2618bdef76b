import type { AggregateDescriptor } from '@keyfold/eventsourcing'
import type { KafkaClient } from '@keyfold/kafka'
import type { EventCodec } from './event-codec.ts'
import type { GateOptions, StartRetry } from './gate/gate-options.ts'

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
  /** Accepted command ids that a repeat is recognised by: the last ones of the partition. */
  readonly acceptedCommands: number
  /** Rejected and no-op command ids kept in the state topic; an older one is decided anew when it is repeated. */
  readonly rejectedCommands: number
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
  rejectedCommands: 10_000,
  transactionTimeoutMs: 60_000,
  claimsAtOnce: 8,
}
