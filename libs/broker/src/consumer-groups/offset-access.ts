import { KafkaError } from '@keyfold/protocol'
import type { CommitRequest } from '../group-coordinator/offset-commit.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'

/**
 * Whether whoever commits offsets of a group of the consumer protocol may do so now (statement 75). A member that does not
 * know its new epoch yet may commit for partitions that it has had since the epoch it knows (KIP-1251).
 */
export function validateMemberCommit(group: ConsumerGroup, request: CommitRequest): KafkaError {
  const { memberId, isTransactional } = request
  // Admin clients, and consumers that choose their partitions themselves.
  if (request.generationId < 0 && group.members.size === 0) return KafkaError.NONE
  const member = group.members.get(memberId)
  if (member === undefined) return KafkaError.UNKNOWN_MEMBER_ID
  const isAsBefore = member.classic !== null || isTransactional
  // Older versions cannot tell a member that its epoch is stale.
  if (!isAsBefore && !request.answersUnknownGroup) return KafkaError.UNSUPPORTED_VERSION
  if (isInTime(member, request)) return KafkaError.NONE
  return isAsBefore ? KafkaError.ILLEGAL_GENERATION : KafkaError.STALE_MEMBER_EPOCH
}

function isInTime({ memberEpoch, heldSince }: ConsumerMember, { generationId, partitions }: CommitRequest): boolean {
  if (generationId >= memberEpoch) return generationId === memberEpoch
  return partitions().every(({ topicId, partition }) => {
    const since = heldSince.get(topicId)?.get(partition)
    return since !== undefined && since <= generationId
  })
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
