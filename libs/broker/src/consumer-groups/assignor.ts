import type { PartitionSet } from './partition-set.ts'
import { assignRanges } from './range-assignor.ts'
import { assignUniformly } from './uniform-assignor.ts'

/** A member as an assignor sees it. */
export interface AssignorMember {
  readonly memberId: string
  readonly instanceId: string | null
  /** Ids of the topics it subscribes to, all of them in `partitionCounts`. */
  readonly topicIds: ReadonlySet<string>
  /** What it is to have now. */
  readonly target: PartitionSet
}

export interface AssignorInput {
  readonly members: readonly AssignorMember[]
  /** How many partitions each topic has, by id. */
  readonly partitionCounts: ReadonlyMap<string, number>
}

/** Gives every partition of every subscribed topic to one of its subscribers. */
export type Assignor = (input: AssignorInput) => Map<string, PartitionSet>

/** The assignors by the name that consumers ask for them with (KIP-848). */
export const assignors = { uniform: assignUniformly, range: assignRanges } as const satisfies Record<string, Assignor>
export type AssignorName = keyof typeof assignors

export function isAssignorName(name: string): name is AssignorName {
  return Object.hasOwn(assignors, name)
}
