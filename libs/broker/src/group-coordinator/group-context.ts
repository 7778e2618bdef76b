import type { Scheduler } from '../scheduler.ts'
import type { Group, GroupFacts } from './group.ts'
import type { Member } from './member.ts'

/** The world as the state machines of groups see it. */
export interface GroupContext {
  readonly scheduler: Scheduler
  readonly settings: GroupSettings
  /** Milliseconds since 1970, for what is stored; deadlines use the scheduler's clock instead. */
  readonly wallClock: () => number
  readonly newUuid: () => string
  /** Writes what stays of a group to the journal; `whenDurable` is called once it cannot be lost any more. */
  readonly save: (facts: GroupFacts, whenDurable?: () => void) => void
  /** A member has given no sign of life for the length of its session. */
  readonly expire: (group: Group, member: Member) => void
}

/** Kafka's settings of the same names, in milliseconds where they are times. */
export interface GroupSettings {
  readonly initialRebalanceDelayMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  /** Members per group. */
  readonly maxSize: number
}

/** How long a parked JoinGroup of a first-time joiner is kept: nobody would notice that its connection is gone. */
export const newMemberJoinTimeoutMs = 5 * 60_000
