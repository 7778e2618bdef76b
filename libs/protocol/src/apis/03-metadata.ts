import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, string, struct, uuid } from '../fields.ts'

/**
 * Names the brokers, the controller and the leaders of topics. No topics means all; null means all from version 1 on.
 */
export const Metadata = defineApi({
  key: 3,
  name: 'Metadata',
  versions: [0, 13],
  flexible: 9,
  request: {
    topics: array(
      struct({
        topicId: uuid({ versions: '10+', ignorable: true }),
        name: string({ nullable: '10+' }),
      }),
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: boolean({ versions: '4+', fallback: true }),
    includeClusterAuthorizedOperations: boolean({ versions: '8-10' }),
    includeTopicAuthorizedOperations: boolean({ versions: '8+' }),
  },
  response: {
    throttleTimeMs: int32({ versions: '3+', fallback: 0, ignorable: true }),
    brokers: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ versions: '1+', nullable: '1+', fallback: null, ignorable: true }),
      }),
    ),
    clusterId: string({ versions: '2+', nullable: '2+', fallback: null, ignorable: true }),
    controllerId: int32({ versions: '1+', fallback: -1, ignorable: true }),
    topics: array(
      struct({
        errorCode: int16(),
        name: string({ nullable: '12+' }),
        topicId: uuid({ versions: '10+', ignorable: true }),
        isInternal: boolean({ versions: '1+', fallback: false, ignorable: true }),
        partitions: array(
          struct({
            errorCode: int16(),
            partitionIndex: int32(),
            leaderId: int32(),
            leaderEpoch: int32({ versions: '7+', fallback: -1, ignorable: true }),
            replicaNodes: array(int32()),
            isrNodes: array(int32()),
            offlineReplicas: array(int32(), { versions: '5+', ignorable: true }),
          }),
        ),
        topicAuthorizedOperations: int32({ versions: '8+', fallback: -2147483648 }),
      }),
    ),
    clusterAuthorizedOperations: int32({ versions: '8-10', fallback: -2147483648 }),
    errorCode: int16({ versions: '13+', ignorable: true }),
  },
})
