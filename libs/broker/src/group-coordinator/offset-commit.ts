import { KafkaError } from '@keyfold/protocol'
import type { Group } from './group.ts'
import { validateMember } from './membership.ts'

export interface CommitRequest {
  groupId: string
  memberId: string
  groupInstanceId: string | null
  /** -1 from clients that do not take part in the group's rounds. */
  generationId: number
  /** A commit inside a transaction counts when that ends, so the state of the group does not matter. */
  isTransactional: boolean
  /** OffsetCommit v9+: an unknown group has an error of its own. */
  answersUnknownGroup: boolean
  /** What it wants to commit for, as far as it exists. Looked up only for a member whose epoch is older than the group's. */
  partitions: () => readonly CommittedPartition[]
}

export interface CommittedPartition {
  readonly topicId: string
  readonly partition: number
}

/** Whether whoever commits may do so now (statements 34 and 65). */
export function validateCommit(group: Group, request: CommitRequest): KafkaError {
  const { memberId, groupInstanceId, generationId, isTransactional } = request
  if (generationId < 0 && group.state === 'Empty') return KafkaError.NONE
  if (generationId >= 0 || memberId !== '' || groupInstanceId !== null) {
    const error = validateMember(group, request)
    if (error !== KafkaError.NONE) return error
    if (generationId !== group.generationId) return KafkaError.ILLEGAL_GENERATION
  } else if (!isTransactional) return KafkaError.UNKNOWN_MEMBER_ID
  // The member knows the new generation already, so it can be told plainly to wait for its assignment.
  if (!isTransactional && group.state === 'CompletingRebalance') return KafkaError.REBALANCE_IN_PROGRESS
  return KafkaError.NONE
}
