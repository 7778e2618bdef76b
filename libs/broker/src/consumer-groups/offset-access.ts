import { KafkaError } from '@keyfold/protocol'
import type { CommitRequest } from '../group-coordinator/offset-commit.ts'
import type { ConsumerGroup } from './consumer-group.ts'

/** Whether whoever commits offsets of a group of the consumer protocol may do so now (statement 75). */
export function validateMemberCommit(group: ConsumerGroup, request: CommitRequest): KafkaError {
  const { memberId, generationId, isTransactional } = request
  // Admin clients, and consumers that choose their partitions themselves.
  if (generationId < 0 && group.members.size === 0) return KafkaError.NONE
  const member = group.members.get(memberId)
  if (member === undefined) return KafkaError.UNKNOWN_MEMBER_ID
  if (member.classic !== null) {
    return generationId === member.memberEpoch ? KafkaError.NONE : KafkaError.ILLEGAL_GENERATION
  }
  if (isTransactional) return generationId === member.memberEpoch ? KafkaError.NONE : KafkaError.ILLEGAL_GENERATION
  // Older versions cannot tell a member that its epoch is stale.
  if (!request.answersUnknownGroup) return KafkaError.UNSUPPORTED_VERSION
  return generationId === member.memberEpoch ? KafkaError.NONE : KafkaError.STALE_MEMBER_EPOCH
}

/** Whether a member may read the group's offsets: not with an epoch that is over. Others need not say who they are. */
export function validateMemberFetch(
  group: ConsumerGroup,
  { memberId, memberEpoch }: { memberId: string | null; memberEpoch: number },
): KafkaError {
  if (memberId === null && memberEpoch < 0) return KafkaError.NONE
  const member = group.members.get(memberId ?? '')
  if (member === undefined) return KafkaError.UNKNOWN_MEMBER_ID
  return memberEpoch === member.memberEpoch ? KafkaError.NONE : KafkaError.STALE_MEMBER_EPOCH
}
