import { defineApi } from '../api.ts'
import { array, int16, int32, int64, int8, string, struct } from '../fields.ts'

/** Finds offsets by timestamp: an instant in ms, or a negative special value such as -1 (latest) and -2 (earliest). */
export const ListOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  versions: [1, 11],
  flexible: 6,
  request: {
    replicaId: int32(),
    isolationLevel: int8({ versions: '2+' }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            currentLeaderEpoch: int32({ versions: '4+', fallback: -1, ignorable: true }),
            timestamp: int64(),
          }),
        ),
      }),
    ),
    timeoutMs: int32({ versions: '10+', ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ versions: '2+', fallback: 0, ignorable: true }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            timestamp: int64({ fallback: -1 }),
            offset: int64({ fallback: -1 }),
            leaderEpoch: int32({ versions: '4+', fallback: -1 }),
          }),
        ),
      }),
    ),
  },
})
