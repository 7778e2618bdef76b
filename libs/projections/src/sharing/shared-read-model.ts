import type { Offset } from '@keyfold/kafka'
import type { Generation, GenerationRecord, ReadModel, ReadModelRecord, TopicPartition } from '../read-model-store.ts'
import type { Progress } from '../rebuild/progress.ts'

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
  /** Ends the lead, if it is still this one's; a rebuild that it has shown is shown no more. */
  resign(leader: string): Promise<void>
  /** Notes for the other processes why a partition has halted. Whoever leads next forgets it. */
  setHalted(generation: number, partition: TopicPartition, error: string): Promise<void>
  /** Shows the other processes how far a rebuild is. Without effect unless `leader` leads. */
  showRebuild(leader: string, progress: Progress): Promise<void>
  /** Asks whoever leads the rebuild of a generation. False when nobody does, or is asked for something else. */
  askForRebuild(generation: number, order: RebuildOrder): Promise<boolean>
  /** What was asked of `leader` is done, or cannot be. */
  answered(leader: string): Promise<void>
}

/** What another process can ask of the one that rebuilds: let the generation serve, or give it up. */
export type RebuildOrder = 'swap' | 'cancel'

/** A projector as every process sees it. */
export interface Sight {
  readonly record: ReadModelRecord
  /** Who leads; undefined while nobody does. */
  readonly leader: string | undefined
  /** The rebuild that it is at, as it was last shown. */
  readonly rebuild: LedRebuild | undefined
  /** Of the serving generation. */
  readonly partitions: readonly SeenPartition[]
}

export interface LedRebuild {
  readonly progress: Progress
  readonly asked: RebuildOrder | undefined
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

/** How far the rebuild is that somebody leads. What was shown last may be of one that has ended in the meantime. */
export function rebuildOf(sight: Sight | undefined): Progress | undefined {
  const { rebuild, record } = sight ?? {}
  const made = record?.generations.find(({ generation }) => generation === rebuild?.progress.generation)
  return made?.status === 'building' || made?.status === 'retired' ? rebuild?.progress : undefined
}
