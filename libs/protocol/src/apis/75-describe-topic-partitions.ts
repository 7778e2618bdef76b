import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, string, struct, uuid } from '../fields.ts'

/** Describes topics page by page; a cursor says where to go on (KIP-966). */
export const DescribeTopicPartitions = defineApi({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: [0, 0],
  flexible: 0,
  request: {
    topics: array(
      struct({
        name: string(),
      }),
    ),
    responsePartitionLimit: int32({ fallback: 2000 }),
    cursor: struct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      { nullable: '0+', fallback: null },
    ),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    topics: array(
      struct({
        errorCode: int16(),
        name: string({ nullable: '0+' }),
        topicId: uuid(),
        isInternal: boolean({ fallback: false }),
        partitions: array(
          struct({
            errorCode: int16(),
            partitionIndex: int32(),
            leaderId: int32(),
            leaderEpoch: int32({ fallback: -1 }),
            replicaNodes: array(int32()),
            isrNodes: array(int32()),
            eligibleLeaderReplicas: array(int32(), { nullable: '0+', fallback: null }),
            lastKnownElr: array(int32(), { nullable: '0+', fallback: null }),
            offlineReplicas: array(int32()),
          }),
        ),
        topicAuthorizedOperations: int32({ fallback: -2147483648 }),
      }),
    ),
    nextCursor: struct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      { nullable: '0+', fallback: null },
    ),
  },
})
