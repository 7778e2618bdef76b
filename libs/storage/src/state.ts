/**
 * A state machine whose changes are journal entries. Live and on recovery the same entries pass through the same `apply`:
 * validate first, append then; the entry is the only way the state changes.
 */
export interface JournaledState {
  /** Names its part of the checkpoint; unique. */
  readonly name: string
  /** The entry kinds that it applies; each kind belongs to one state. */
  readonly kinds: readonly number[]
  /**
   * Applies one entry. Called at once by `append` (the entry is not durable yet) and on recovery. It may not fail, nor
   * depend on anything but the state and the entry. `payload` is only valid during the call: copy what is kept.
   */
  apply(kind: number, payload: Buffer, lsn: number): void
  /** The whole state as bytes. */
  snapshot(): Buffer
  /** Takes over a snapshot; called on a fresh state, before any entry. */
  restore(snapshot: Buffer): void
}
