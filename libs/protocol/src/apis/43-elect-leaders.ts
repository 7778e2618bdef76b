import { defineApi } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/** Makes replicas leaders again, preferred ones or any (KIP-183, KIP-460). */
export const ElectLeaders = defineApi({
  key: 43,
  name: 'ElectLeaders',
  versions: [0, 2],
  flexible: 2,
  request: {
    electionType: int8({ versions: '1+' }),
    topicPartitions: array(struct({ topic: string(), partitions: array(int32()) }), { nullable: '0+' }),
    timeoutMs: int32({ fallback: 60_000 }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    errorCode: int16({ versions: '1+' }),
    replicaElectionResults: array(
      struct({
        topic: string(),
        partitionResult: array(
          struct({ partitionId: int32(), errorCode: int16(), errorMessage: string({ nullable: '0+' }) }),
        ),
      }),
    ),
  },
})
