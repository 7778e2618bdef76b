import type { AcceptedCommand } from '../writer/command-ledger.ts'
import type { Claimed, StoredOutcome } from '../writer/state-records.ts'

/**
 * What the writer of one partition keeps beside the log: every aggregate folded, and the command ids of the window. A
 * cache: all of it can be made again from the log, and it never says more than the log does, because it is written after
 * a commit. It is synchronous: a decision does not wait in its middle.
 */
export interface AggregateStore {
  /** How far it got; undefined when it is new, was cleared, or belongs to another log or code. */
  readonly checkpoint: StoreCheckpoint | undefined
  load(key: string): StoredAggregate | undefined
  /** How many aggregates it holds. */
  count(): number
  findCommand(commandId: string): AcceptedCommand | undefined
  /** Of commands without events, oldest first. */
  outcomes(): readonly StoredOutcome[]
  /** All of it or nothing. Errors: `STATE_STORE_LOST` when somebody else has opened it since, or it cannot be written. */
  save(changes: StoreChanges): void
  /** Forgets everything. */
  clear(): void
  close(): void
}

/** The store agrees with the log up to here. */
export interface StoreCheckpoint {
  /** The last event that is in it: a log that has another one there is another log. Null: no event yet. */
  readonly anchor: EventAnchor | null
  /** The state topic was read up to here. */
  readonly stateOffset: number
  /** The last claim. */
  readonly claim: ClaimFacts | null
}

export type ClaimFacts = Pick<Claimed, 'generation' | 'groupGeneration' | 'instanceId'>

export interface EventAnchor {
  readonly offset: number
  readonly eventId: string
}

export interface StoredAggregate {
  /** As `textOfState` gives it. */
  readonly state: string
  readonly version: number
  readonly lastOffset: number
}

export interface StoreChanges {
  readonly aggregates: ReadonlyMap<string, StoredAggregate>
  readonly accepted: readonly AcceptedCommand[]
  readonly outcomes: readonly StoredOutcome[]
  /** Ids of outcomes that are gone. */
  readonly forgotten: readonly string[]
  /** Accepted commands to keep, at least: the last ones, as far as they are not older than this time. */
  readonly window: { readonly commands: number; readonly notBeforeMs: number }
  /** Left out: the store is being filled and agrees with nothing yet. */
  readonly checkpoint: StoreCheckpoint | undefined
}

/** What a store belongs to. One that belongs to something else is cleared when it is opened. */
export interface StoreIdentity {
  readonly application: string
  readonly clusterId: string
  readonly topic: string
  readonly partition: number
  /** Changes when the same events may mean another state: `stateKeyOf`. */
  readonly stateKey: string
}

/** Opens the store of a partition; whoever had it open before loses it. */
export interface AggregateStores {
  open(identity: StoreIdentity): AggregateStore
}
