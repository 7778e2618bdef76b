import type { KafkaError } from '@keyfold/protocol'
import type { ScheduledTask } from '../scheduler.ts'

/** One way of assigning partitions that a member offers; the metadata is opaque to the broker. */
export interface MemberProtocol {
  name: string
  metadata: Buffer
}

/** What JoinGroup answers, independent of its version. */
export interface JoinAnswer {
  error: KafkaError
  generationId: number
  protocolType: string | null
  protocolName: string | null
  leader: string
  /** KIP-814: the leader must not compute a new assignment. */
  skipAssignment: boolean
  memberId: string
  /** Everybody's metadata for the chosen protocol; empty for all but the leader. */
  members: { memberId: string; groupInstanceId: string | null; metadata: Buffer }[]
}

/** What SyncGroup answers. */
export interface SyncAnswer {
  error: KafkaError
  protocolType: string | null
  protocolName: string | null
  assignment: Buffer
}

/** What stays of a member in the journal. */
export interface MemberFacts {
  memberId: string
  groupInstanceId: string | null
  clientId: string
  clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  protocols: readonly MemberProtocol[]
  assignment: Buffer
}

/** One consumer (or Connect worker, or whatever the protocol type says) of a group. */
export interface Member extends MemberFacts {
  /** The parked JoinGroup, answered when the group completes its join phase. */
  awaitingJoin: ((answer: JoinAnswer) => void) | undefined
  /** The parked SyncGroup, answered when the leader has brought the assignment. */
  awaitingSync: ((answer: SyncAnswer) => void) | undefined
  /** True until its first join completes: such a member cannot heartbeat yet, so its parked join may expire. */
  isNew: boolean
  /** When the member is taken for dead; moved forward by every sign of life. */
  sessionDeadlineMs: number
  /** The timer that looks at the deadline; it may be due earlier than the deadline, never later. */
  sessionTimer: { dueMs: number; task: ScheduledTask } | undefined
}

export const noAssignment: Buffer = Buffer.alloc(0)

export function newMember(facts: MemberFacts): Member {
  return {
    ...facts,
    awaitingJoin: undefined,
    awaitingSync: undefined,
    isNew: true,
    sessionDeadlineMs: 0,
    sessionTimer: undefined,
  }
}

/** True if both offer the same protocols in the same order with the same metadata. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((protocol, index) => {
      const other = b[index]
      return other !== undefined && protocol.name === other.name && sameBytes(protocol.metadata, other.metadata)
    })
  )
}

function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
