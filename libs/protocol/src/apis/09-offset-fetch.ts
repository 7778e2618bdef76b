import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, int64, string, struct, uuid } from '../fields.ts'

/** Reads a group's stored positions; several groups at once from version 8 on (KIP-709). */
export const OffsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 10],
  flexible: 6,
  request: {
    groupId: string({ versions: '1-7' }),
    topics: array(
      struct({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      { versions: '1-7', nullable: '2-7' },
    ),
    groups: array(
      struct({
        groupId: string(),
        memberId: string({ versions: '9+', nullable: '9+', fallback: null, ignorable: true }),
        memberEpoch: int32({ versions: '9+', fallback: -1, ignorable: true }),
        topics: array(
          struct({
            name: string({ versions: '8-9', ignorable: true }),
            topicId: uuid({ versions: '10+', ignorable: true }),
            partitionIndexes: array(int32()),
          }),
          { nullable: '8+' },
        ),
      }),
      { versions: '8+' },
    ),
    requireStable: boolean({ versions: '7+', fallback: false }),
  },
  response: {
    throttleTimeMs: int32({ versions: '3+', fallback: 0, ignorable: true }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ versions: '5-7', fallback: -1, ignorable: true }),
            metadata: string({ nullable: '1-7' }),
            errorCode: int16(),
          }),
        ),
      }),
      { versions: '1-7' },
    ),
    errorCode: int16({ versions: '2-7', fallback: 0, ignorable: true }),
    groups: array(
      struct({
        groupId: string(),
        topics: array(
          struct({
            name: string({ versions: '8-9', ignorable: true }),
            topicId: uuid({ versions: '10+', ignorable: true }),
            partitions: array(
              struct({
                partitionIndex: int32(),
                committedOffset: int64(),
                committedLeaderEpoch: int32({ fallback: -1 }),
                metadata: string({ nullable: '8+' }),
                errorCode: int16(),
              }),
            ),
          }),
        ),
        errorCode: int16({ fallback: 0 }),
      }),
      { versions: '8+' },
    ),
  },
})
