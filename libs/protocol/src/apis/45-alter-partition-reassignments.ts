import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, string, struct } from '../fields.ts'

/** Starts or cancels moves of partitions between brokers (KIP-455). */
export const AlterPartitionReassignments = defineApi({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: [0, 1],
  flexible: 0,
  request: {
    timeoutMs: int32({ fallback: 60000 }),
    allowReplicationFactorChange: boolean({ versions: '1+', fallback: true }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            replicas: array(int32(), { nullable: '0+', fallback: null }),
          }),
        ),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    allowReplicationFactorChange: boolean({ versions: '1+', fallback: true, ignorable: true }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    responses: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            errorMessage: string({ nullable: '0+' }),
          }),
        ),
      }),
    ),
  },
})
