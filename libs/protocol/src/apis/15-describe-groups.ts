import { defineApi } from '../api.ts'
import { array, boolean, bytes, int16, int32, string, struct } from '../fields.ts'

/** Shows the state and the members of classic groups. */
export const DescribeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 6],
  flexible: 5,
  request: {
    groups: array(string()),
    includeAuthorizedOperations: boolean({ versions: '3+' }),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', fallback: 0, ignorable: true }),
    groups: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ versions: '6+', nullable: '6+', fallback: null }),
        groupId: string(),
        groupState: string(),
        protocolType: string(),
        protocolData: string(),
        members: array(
          struct({
            memberId: string(),
            // static membership, KIP-345
            groupInstanceId: string({ versions: '4+', nullable: '4+', fallback: null, ignorable: true }),
            clientId: string(),
            clientHost: string(),
            memberMetadata: bytes(),
            memberAssignment: bytes(),
          }),
        ),
        authorizedOperations: int32({ versions: '3+', fallback: -2147483648 }),
      }),
    ),
  },
})
