import type { AggregateStore, StoreChanges } from '../state/aggregate-store.ts'
import type { StoredOutcome } from './state-records.ts'

/** Where an accepted command's events stand. */
export interface AcceptedCommand {
  readonly kind: 'Accepted'
  readonly commandId: string
  /** The aggregate that it was for. */
  readonly key: string
  readonly fingerprint: string
  readonly batchId: string
  /** That aggregate's version after the command. */
  readonly version: number
  readonly lastOffset: number
  /** How many events it has; they stand next to each other. */
  readonly size: number
  /** When it was decided, in milliseconds since 1970. */
  readonly atMs: number
}

export interface LedgerLimits {
  readonly acceptedCommands: number
  readonly acceptedWindowMs: number
  readonly rejectedCommands: number
  readonly rejectedWindowMs: number
}

/**
 * The command ids of a partition and how they ended, so that a repeat gets the original answer. Both kinds are windows,
 * in number and in time. Accepted ones are found in the store, except for those since it was last saved; the others,
 * which are fewer, are all in memory. Both can be found again in the log: in event headers, and in the state topic.
 */
export class CommandLedger {
  readonly #limits: LedgerLimits
  readonly #store: AggregateStore
  readonly #now: () => number
  /** Since the last save. */
  #accepted = new Map<string, AcceptedCommand>()
  readonly #outcomes: Map<string, StoredOutcome>
  readonly #unsaved = new Map<string, StoredOutcome>()
  /** Out of the window, and their records still in the state topic. */
  readonly #expired: string[] = []
  readonly #gone: string[] = []

  constructor(limits: LedgerLimits, store: AggregateStore, now: () => number) {
    this.#limits = limits
    this.#store = store
    this.#now = now
    this.#outcomes = new Map(store.outcomes().map((outcome) => [outcome.commandId, outcome]))
  }

  find(commandId: string): AcceptedCommand | StoredOutcome | undefined {
    const { acceptedWindowMs, rejectedWindowMs } = this.#limits
    const accepted = this.#accepted.get(commandId) ?? this.#store.findCommand(commandId)
    if (accepted !== undefined && accepted.atMs >= this.#now() - acceptedWindowMs) return accepted
    const outcome = this.#outcomes.get(commandId)
    return outcome !== undefined && outcome.atMs >= this.#now() - rejectedWindowMs ? outcome : undefined
  }

  accept(command: AcceptedCommand): void {
    this.#accepted.set(command.commandId, command)
  }

  keep(outcome: StoredOutcome): void {
    this.#outcomes.delete(outcome.commandId)
    this.#outcomes.set(outcome.commandId, outcome)
    this.#unsaved.set(outcome.commandId, outcome)
  }

  /** The log has forgotten it. */
  forget(commandId: string): void {
    this.#outcomes.delete(commandId)
    this.#unsaved.delete(commandId)
    this.#gone.push(commandId)
  }

  /** Ids of outcomes that fell out of the window: their records can go. At most as many as asked for. */
  expired(most: number): readonly string[] {
    const { rejectedCommands, rejectedWindowMs } = this.#limits
    const notBeforeMs = this.#now() - rejectedWindowMs
    for (const [id, { atMs }] of this.#outcomes) {
      if (this.#outcomes.size <= rejectedCommands && atMs >= notBeforeMs) break
      this.#outcomes.delete(id)
      this.#unsaved.delete(id)
      this.#expired.push(id)
    }
    return this.#expired.slice(0, most)
  }

  /** So many of the expired ones have their tombstones in the log. */
  buried(count: number): void {
    for (const id of this.#expired.splice(0, count)) this.#gone.push(id)
  }

  /** Accepted commands that are not saved yet. */
  get unsavedCommands(): number {
    return this.#accepted.size
  }

  /** What the store has to learn. */
  changes(): Pick<StoreChanges, 'accepted' | 'outcomes' | 'forgotten' | 'window'> {
    const { acceptedCommands, acceptedWindowMs } = this.#limits
    return {
      accepted: [...this.#accepted.values()],
      outcomes: [...this.#unsaved.values()],
      forgotten: this.#gone,
      window: { commands: acceptedCommands, notBeforeMs: this.#now() - acceptedWindowMs },
    }
  }

  saved(): void {
    // Not emptied but new: see `InFlight`.
    this.#accepted = new Map()
    this.#unsaved.clear()
    this.#gone.length = 0
  }

  /** Keeps to the window without a store that could take what is older. */
  trim(): void {
    for (const id of this.#accepted.keys()) {
      if (this.#accepted.size <= this.#limits.acceptedCommands) break
      this.#accepted.delete(id)
    }
    this.#unsaved.clear()
    this.#gone.length = 0
  }
}
