import type { StoredOutcome } from './state-records.ts'

/** Where an accepted command's events stand. */
export interface AcceptedCommand {
  readonly kind: 'Accepted'
  readonly commandId: string
  readonly key: string
  readonly fingerprint: string
  readonly batchId: string
  /** The aggregate's version after its last event. */
  readonly version: number
  readonly lastOffset: number
  /** How many events it has; they stand next to each other. */
  readonly size: number
}

export interface LedgerLimits {
  readonly acceptedCommands: number
  readonly rejectedCommands: number
}

/**
 * The command ids of a partition and how they ended, so that a repeat gets the original answer. Accepted ones are found
 * again from event headers, others from the state topic; both are windows over the last ones.
 */
export class CommandLedger {
  readonly #limits: LedgerLimits
  readonly #accepted = new Map<string, AcceptedCommand>()
  readonly #outcomes = new Map<string, StoredOutcome>()

  constructor(limits: LedgerLimits) {
    this.#limits = limits
  }

  find(commandId: string): AcceptedCommand | StoredOutcome | undefined {
    return this.#accepted.get(commandId) ?? this.#outcomes.get(commandId)
  }

  accept(command: AcceptedCommand): void {
    this.#accepted.set(command.commandId, command)
    dropOldest(this.#accepted, this.#limits.acceptedCommands)
  }

  /** Returns the command ids that fell out of the window: their records can go. */
  keep(outcome: StoredOutcome): readonly string[] {
    this.#outcomes.delete(outcome.commandId)
    this.#outcomes.set(outcome.commandId, outcome)
    return dropOldest(this.#outcomes, this.#limits.rejectedCommands)
  }

  forget(commandId: string): void {
    this.#outcomes.delete(commandId)
  }
}

function dropOldest(entries: Map<string, unknown>, kept: number): string[] {
  const dropped: string[] = []
  for (const id of entries.keys()) {
    if (entries.size <= kept) break
    entries.delete(id)
    dropped.push(id)
  }
  return dropped
}
