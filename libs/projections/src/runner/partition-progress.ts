import type { Offset } from '@keyfold/kafka'
import type { TopicPartition } from '../read-model-store.ts'

/** How far one partition of one generation is. */
export interface PartitionProgress extends TopicPartition {
  /** Everything below it is in the rows, committed. */
  readonly position: Offset
  /** The end of the partition when it was last looked at. */
  readonly endOffset: Offset
  /** Records read since the start, passed over or applied. */
  readonly records: number
  /** Events that are parked: passed, and not in the rows. */
  readonly parked: number
  /** Events of types that nobody knows, passed over since the start: `onUnknownEvent: 'skip'`. */
  readonly skipped: number
  /** Why the partition has halted. */
  readonly error: Error | undefined
}

/** Who wants to know of every move. */
export interface ProgressObserver {
  moved(progress: PartitionProgress): void
  halted(progress: PartitionProgress): void
}

/** `topic/partition`, as a key of maps. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
