import type { Offset } from '@keyfold/kafka'
import type { TopicPartition } from './read-model-store.ts'
import type { Progress } from './rebuild/progress.ts'
import type { PartitionProgress } from './runner/partition-progress.ts'

/**
 * - `new`: never started (a projector with `start: 'manual'`), or not started in this process yet.
 * - `catching-up`: has not been at the end of its topics since it was started.
 * - `live`: at the end, or on its heels.
 * - `paused`: until somebody resumes it, also after a restart.
 * - `rebuilding`: another generation is being built; the serving one goes on.
 * - `failed`: at least one partition has halted; see the errors.
 * - `detached`: its rows are there, its code is not.
 */
export type ProjectorState = 'new' | 'catching-up' | 'live' | 'paused' | 'rebuilding' | 'failed' | 'detached'

export interface ProjectorStatus {
  readonly projector: string
  /** The version of the code; undefined for a detached one. */
  readonly version: number | undefined
  /** The serving generation and the version it was made by; undefined when there is none. */
  readonly generation: number | undefined
  readonly servingVersion: number | undefined
  readonly state: ProjectorState
  readonly error: Error | undefined
  readonly partitions: readonly PartitionStatus[]
  /** The last report of a rebuild that is under way. */
  readonly rebuild: Progress | undefined
}

export interface PartitionStatus extends TopicPartition {
  readonly position: Offset
  readonly endOffset: Offset
  /** Log positions still to go. */
  readonly lag: number
  /** Events that are set aside. */
  readonly parked: number
  /** Events of unknown types that were passed over since the start. */
  readonly skipped: number
  readonly error: Error | undefined
}

/** What a projector's state follows from. */
export interface ProjectorFacts {
  readonly serving: boolean
  readonly paused: boolean
  readonly rebuilding: boolean
  readonly caughtUp: boolean
  readonly error: Error | undefined
}

export function stateOf({ serving, paused, rebuilding, caughtUp, error }: ProjectorFacts): ProjectorState {
  if (paused) return 'paused'
  if (error !== undefined) return 'failed'
  if (!serving) return 'new'
  if (rebuilding) return 'rebuilding'
  return caughtUp ? 'live' : 'catching-up'
}

export function partitionStatus(progress: PartitionProgress): PartitionStatus {
  const { topic, partition, position, endOffset, parked, skipped, error } = progress
  const lag = Math.max(0, endOffset - position)
  return { topic, partition, position, endOffset, lag, parked, skipped, error }
}
