import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, int8, string, struct } from '../fields.ts'

/** Describes the cluster: id, controller and brokers (KIP-700). */
export const DescribeCluster = defineApi({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 2],
  flexible: 0,
  request: {
    includeClusterAuthorizedOperations: boolean(),
    endpointType: int8({ versions: '1+', fallback: 1 }),
    includeFencedBrokers: boolean({ versions: '2+' }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', fallback: null }),
    endpointType: int8({ versions: '1+', fallback: 1 }),
    clusterId: string(),
    controllerId: int32({ fallback: -1 }),
    brokers: array(
      struct({
        brokerId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: '0+', fallback: null }),
        isFenced: boolean({ versions: '2+' }),
      }),
    ),
    clusterAuthorizedOperations: int32({ fallback: -2147483648 }),
  },
})
