import { defineApi } from '../api.ts'
import { array, int16, int32, int64, string, struct, uuid } from '../fields.ts'

/** Stores a group's positions, guarded by member id and generation (or member epoch, KIP-848). */
export const OffsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  versions: [2, 10],
  flexible: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ fallback: -1 }),
    memberId: string(),
    groupInstanceId: string({ versions: '7+', nullable: '7+', fallback: null }), // static membership, KIP-345
    retentionTimeMs: int64({ versions: '2-4', fallback: -1, ignorable: true }),
    topics: array(
      struct({
        name: string({ versions: '2-9', ignorable: true }),
        topicId: uuid({ versions: '10+', ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ versions: '6+', fallback: -1, ignorable: true }),
            committedMetadata: string({ nullable: '2+' }),
          }),
        ),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32({ versions: '3+', fallback: 0, ignorable: true }),
    topics: array(
      struct({
        name: string({ versions: '2-9', ignorable: true }),
        topicId: uuid({ versions: '10+', ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
          }),
        ),
      }),
    ),
  },
})
