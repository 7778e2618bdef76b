import type { Generation, GenerationRecord, ReadModel, ReadModelRecord, TopicPartition } from '../read-model-store.ts'
import type { Offset } from '@keyfold/kafka'

/**
 * One projector's state in a store that several processes share. Each process that works on a part of the partitions
 * enters with an owner epoch of its own; one process at a time may lead, and then nobody else enters. None of it is
 * needed for exactness: whoever is late is refused by the checkpoints' rows.
 */
export interface SharedReadModel<Tx = unknown, Handle = unknown> {
  /** What is stored at this moment; undefined when nobody has ever claimed the projector. */
  look(): Promise<Sight | undefined>
  /** Raises the owner epoch for some partitions; undefined while somebody leads or the projector is paused. */
  enter(): Promise<ReadModel<Tx, Handle> | undefined>
  /** Opens a generation for queries only. */
  openForQueries(record: GenerationRecord): Generation<Tx, Handle>
  /**
   * Keeps others from entering for `leaseMs`, also when it was leading already; `leader` is a name that nobody else has.
   * Forgets what had halted. False while somebody else leads.
   */
  lead(leader: string, leaseMs: number): Promise<boolean>
  /** Ends the lead, if it is still this one's. */
  resign(leader: string): Promise<void>
  /** Notes for the other processes why a partition has halted. Whoever leads next forgets it. */
  setHalted(generation: number, partition: TopicPartition, error: string): Promise<void>
}

/** A projector as every process sees it. */
export interface Sight {
  readonly record: ReadModelRecord
  /** Somebody leads. */
  readonly isLed: boolean
  /** Of the serving generation. */
  readonly partitions: readonly SeenPartition[]
}

export interface SeenPartition extends TopicPartition {
  readonly position: Offset
  readonly parked: number
  /** Why it has halted. */
  readonly halted: string | undefined
}

export function activeOf(sight: Sight | undefined): GenerationRecord | undefined {
  return sight?.record.generations.find(({ status }) => status === 'active')
}
