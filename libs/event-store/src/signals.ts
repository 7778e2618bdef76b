/**
 * What an event store does, as it happens, for metrics. A listener is called within the writer: it must be quick, and
 * what it throws is the writer's failure.
 */
export type EventStoreSignal =
  /** A transaction was committed: how many commands and events it had, and how long the cluster took, in milliseconds. */
  | (PartitionOf & {
      readonly kind: 'committed'
      readonly commands: number
      readonly events: number
      readonly durationMs: number
    })
  /** A transaction was not: the cluster refused it, or another instance has the partition, or nobody knows. */
  | (PartitionOf & { readonly kind: 'notCommitted'; readonly why: 'aborted' | 'fenced' | 'unknown' })
  /** The partition is ours. `isTakeOver`: another instance had it before. */
  | (PartitionOf & { readonly kind: 'claimed'; readonly generation: number; readonly isTakeOver: boolean })

interface PartitionOf {
  readonly aggregate: string
  readonly topic: string
  readonly partition: number
}
