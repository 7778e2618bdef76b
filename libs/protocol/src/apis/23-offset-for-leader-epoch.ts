import { defineApi } from '../api.ts'
import { array, int16, int32, int64, string, struct } from '../fields.ts'

/** Tells where a leader epoch ended, so that a client can detect truncation (KIP-320). */
export const OffsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: [2, 4],
  flexible: 4,
  request: {
    replicaId: int32({ versions: '3+', fallback: -2, ignorable: true }),
    topics: array(
      struct({
        topic: string(),
        partitions: array(
          struct({
            partition: int32(),
            currentLeaderEpoch: int32({ fallback: -1 }),
            leaderEpoch: int32(),
          }),
        ),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    topics: array(
      struct({
        topic: string(),
        partitions: array(
          struct({
            errorCode: int16(),
            partition: int32(),
            leaderEpoch: int32({ fallback: -1 }),
            endOffset: int64({ fallback: -1 }),
          }),
        ),
      }),
    ),
  },
})
