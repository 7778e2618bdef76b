import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, int8, string, struct, uuid } from '../fields.ts'

const assignment = struct({
  topicPartitions: array(
    struct({
      topicId: uuid(),
      topicName: string(),
      partitions: array(int32()),
    }),
  ),
})

/** Describes groups of the consumer protocol: epochs, members, and where each member is and is to go (KIP-848). */
export const ConsumerGroupDescribe = defineApi({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0, 1],
  flexible: 0,
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: boolean(),
  },
  response: {
    throttleTimeMs: int32(),
    groups: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', fallback: null }),
        groupId: string(),
        groupState: string(),
        groupEpoch: int32(),
        assignmentEpoch: int32(),
        assignorName: string(),
        members: array(
          struct({
            memberId: string(),
            instanceId: string({ nullable: '0+', fallback: null }),
            rackId: string({ nullable: '0+', fallback: null }),
            memberEpoch: int32(),
            clientId: string(),
            clientHost: string(),
            subscribedTopicNames: array(string()),
            subscribedTopicRegex: string({ nullable: '0+', fallback: null }),
            assignment,
            targetAssignment: assignment,
            memberType: int8({ versions: '1+', fallback: -1, ignorable: true }), // 0 classic, 1 consumer
          }),
        ),
        authorizedOperations: int32({ fallback: -2147483648 }),
      }),
    ),
  },
})
