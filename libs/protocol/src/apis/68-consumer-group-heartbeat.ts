import { defineApi } from '../api.ts'
import { array, int16, int32, string, struct, uuid } from '../fields.ts'

const topicPartitions = struct({
  topicId: uuid(),
  partitions: array(int32()),
})

/** Joins, keeps alive, reconciles and ends a member of a consumer group: the whole protocol in one request (KIP-848). */
export const ConsumerGroupHeartbeat = defineApi({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: [0, 1],
  flexible: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(), // 0 joins, -1 leaves, -2 is a static member that will be back
    instanceId: string({ nullable: '0+', fallback: null }),
    rackId: string({ nullable: '0+', fallback: null }),
    rebalanceTimeoutMs: int32({ fallback: -1 }),
    subscribedTopicNames: array(string(), { nullable: '0+', fallback: null }),
    subscribedTopicRegex: string({ versions: '1+', nullable: '1+', fallback: null }),
    serverAssignor: string({ nullable: '0+', fallback: null }),
    topicPartitions: array(topicPartitions, { nullable: '0+', fallback: null }), // what the member owns
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', fallback: null }),
    memberId: string({ nullable: '0+', fallback: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct({ topicPartitions: array(topicPartitions) }, { nullable: '0+', fallback: null }),
  },
})
