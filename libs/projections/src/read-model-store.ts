import type { Offset } from '@keyfold/kafka'
import type { Advance, ParkedEvent } from './parking.ts'
import type { Scratch } from './scratch.ts'
import type { SharedReadModel } from './sharing/shared-read-model.ts'

/**
 * Where read models live. `Tx` is the transaction that handlers get; `Handle` is what queries get. A store holds many
 * projectors, each with generations of its rows. Errors: `READ_MODEL_UNWRITABLE`, `READ_MODEL_CORRUPT`,
 * `READ_MODEL_FAILED`;
 * `READ_MODEL_UNAVAILABLE` for what passes by itself, such as a database that restarts: runners wait it out.
 */
export interface ReadModelStore<Tx = unknown, Handle = unknown> {
  readonly supports: {
    /** Rows and checkpoints are still there after the process has ended. */
    readonly durability: boolean
    /** Several processes can share it; then there is `share`. */
    readonly sharing: boolean
    /** Events can be tried on rows of no generation; then there is `scratch`. */
    readonly scratch: boolean
  }
  /** A projector's state as all processes see it. */
  share?(projector: string): SharedReadModel<Tx, Handle>
  open(): Promise<void>
  /** The projectors it holds something of. */
  projectors(): Promise<readonly string[]>
  /** Makes the caller the owner of a projector's read model: raises its owner epoch, which fences earlier owners. */
  claim(projector: string): Promise<ReadModel<Tx, Handle>>
  /** One handle for good, which asks on every use which generation is the serving one. */
  handle(serving: () => Generation<Tx, Handle>): Handle
  /**
   * Runs `work` with no rows at all, not even tables; what it makes is gone when it has ended, however it ends. The
   * projector's generations are left alone.
   */
  scratch?<Result>(projector: string, work: (scratch: Scratch<Tx>) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

/** One projector's persisted state, as its owner sees it. */
export interface ReadModel<Tx = unknown, Handle = unknown> {
  readonly projector: string
  readonly ownerEpoch: number
  record(): Promise<ReadModelRecord>
  setStarted(): Promise<void>
  setPaused(paused: boolean): Promise<void>
  /** A new generation, `building`. Numbers are never used twice. */
  createGeneration(version: number): Promise<GenerationRecord>
  openGeneration(generation: number): Promise<Generation<Tx, Handle>>
  /** Makes it the serving one and retires the one before, at once. Errors: `CHECKPOINT_FENCED`. */
  activate(generation: number): Promise<void>
  /** Marks a generation that failed its verification. */
  reject(generation: number): Promise<void>
  /** Deletes its rows. The serving generation cannot be dropped. */
  drop(generation: number): Promise<void>
}

export interface ReadModelRecord {
  /** A projector with `start: 'manual'` has been started once. */
  readonly started: boolean
  readonly paused: boolean
  /** Oldest first. */
  readonly generations: readonly GenerationRecord[]
}

export interface GenerationRecord {
  readonly generation: number
  /** The projector's version that its rows were made by. */
  readonly version: number
  readonly status: 'building' | 'active' | 'retired' | 'rejected'
}

/** The rows and checkpoints of one (projector, version, rebuild). */
export interface Generation<Tx = unknown, Handle = unknown> {
  readonly generation: number
  readonly version: number
  /** Reads what is committed. */
  readonly handle: Handle
  /** Runs `make` once in the generation's life, in one transaction with the note that it was run. */
  setup(make: (tx: Tx) => void | Promise<void>): Promise<void>
  /** Runs something in one transaction of its own: what is not a consequence of events, such as an index. */
  run(work: (tx: Tx) => void | Promise<void>): Promise<void>
  /**
   * Puts this owner's epoch on the checkpoints of the partitions; those that are new start at 0. From here on an earlier
   * owner cannot write. Errors: `CHECKPOINT_FENCED` when a later owner has been here.
   */
  claim(partitions: readonly TopicPartition[]): Promise<readonly Checkpoint[]>
  /** The stored position of a partition; this settles what a failed `write` left open. */
  position(partition: TopicPartition): Promise<Offset>
  /** The parked events of all partitions. */
  parked(): Promise<readonly ParkedEvent[]>
  /**
   * Runs `work` in one transaction and moves the checkpoint from `from.position` to the offset that it returns, which
   * may be the same; what it parks or takes off the list is in the transaction, too. Writes are run one after the other where the medium has one writer. Whatever `work` throws is thrown on, after a rollback.
   * Errors: `CHECKPOINT_FENCED` when the stored checkpoint is not at `from` any more or belongs to a later owner.
   */
  write(from: Checkpoint, work: Work<Tx>): Promise<Offset>
  /** A digest of every table the author made, by name: equal rows, equal digest, in whatever order they were written. */
  tables(): Promise<readonly TableDigest[]>
  /** Makes everything written so far survive a loss of power as well. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** What is done in a transaction; answers where the checkpoint goes. */
export type Work<Tx> = (tx: Tx) => Offset | Advance | Promise<Offset | Advance>

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface Checkpoint extends TopicPartition {
  /** Everything below it has been applied or passed over. */
  readonly position: Offset
}

export interface TableDigest {
  readonly name: string
  readonly rows: number
  /** 128 bits in hexadecimal: the sum of the rows' hashes. */
  readonly checksum: string
}
