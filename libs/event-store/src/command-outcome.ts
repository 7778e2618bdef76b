import type { DomainEvent, KeyfoldError, Rejection } from '@keyfold/eventsourcing'

/** Where a record stands. A reader whose position is beyond it has seen everything before it. */
export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/**
 * How a command ended.
 * - `committed`: its events are durable and visible; `position` is that of the last one. A command that changed nothing
 *   has no events and the position of the aggregate's last event, if there is one.
 * - `rejected`: the aggregate said no, on the state of `version`.
 * - `failed`: this call did nothing and will not; an earlier call with the same command id may have.
 * - `unknown`: it may have happened or may yet; ask again with the same command id.
 *
 * `duplicate` marks the original outcome of an earlier call with the same command id.
 */
export type CommandOutcome =
  | {
      readonly kind: 'committed'
      readonly version: number
      readonly position: Position | null
      readonly events: readonly DomainEvent[]
      readonly duplicate: boolean
      readonly commandId: string
    }
  | {
      readonly kind: 'rejected'
      readonly rejection: Rejection
      readonly version: number
      readonly duplicate: boolean
      readonly commandId: string
    }
  | { readonly kind: 'failed' | 'unknown'; readonly error: KeyfoldError; readonly commandId: string }
