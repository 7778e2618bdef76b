/**
 * Membership in a classic consumer group (the protocol of Kafka 0.9 and later), as far as instances need it that share
 * the partitions of one topic. It says who is alive and who was given what. It fences nobody: a member that was given up
 * may not know it yet, so whoever writes needs a fence of its own.
 */
export interface KafkaGroups {
  /** Enters a group and stays in it, through lost connections and rebalances, until it is closed. */
  join(options: GroupMembershipOptions): GroupMembership
  /**
   * Who is in a group and what each was given, seen from outside; empty for a group that does not exist. While it
   * rebalances nobody has anything. Errors: `KAFKA_UNREACHABLE`, `KAFKA_TIMEOUT`, `BROKER_BUSY`, `BROKER_REFUSED`.
   */
  members(groupId: string): Promise<readonly SeenMember[]>
}

export interface GroupMembershipOptions {
  readonly groupId: string
  /** The topic whose partitions are shared. */
  readonly topic: string
  readonly assigner: GroupAssigner
  /** What the assigner is told of this member: asked for at every join. */
  readonly userData: () => Buffer
  /** A member that is silent for so long is taken for dead, in milliseconds. Brokers have bounds, usually 6 s to 30 min. */
  readonly sessionTimeoutMs: number
  /** How long the others wait for a member when the group forms anew, in milliseconds. */
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** Called with every new generation. What it throws ends the process: it must not throw. */
  readonly onAssigned: (assignment: GroupAssignment) => void
  /** Hears of errors; the membership goes on trying. */
  readonly onTrouble?: (error: Error) => void
}

/** Decides who gets what. The member that the broker chose as leader runs it, so all members must have the same one. */
export interface GroupAssigner {
  readonly name: string
  /** Members without an entry get nothing. */
  readonly assign: (members: readonly JoinedMember[], generation: number) => ReadonlyMap<string, MemberShare>
}

export interface JoinedMember {
  readonly memberId: string
  readonly userData: Buffer
}

export interface MemberShare {
  readonly partitions: readonly number[]
  readonly userData: Buffer
}

export interface GroupAssignment extends MemberShare {
  readonly memberId: string
  /** Grows by one whenever the group forms anew; starts again when the group was empty for long and was forgotten. */
  readonly generation: number
}

export interface SeenMember extends MemberShare {
  readonly memberId: string
}

export interface GroupMembership {
  /**
   * Asks the coordinator whether this member still counts in the generation that it was told of last, also while the
   * group forms anew. Errors: as `members`.
   */
  isCurrent(): Promise<boolean>
  /** Asks at once how the group is instead of waiting for the next heartbeat. */
  hurry(): void
  /** Leaves the group: the others share what it had. */
  close(): Promise<void>
}
