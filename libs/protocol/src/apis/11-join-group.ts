import { defineApi } from '../api.ts'
import { array, boolean, bytes, int16, int32, string, struct } from '../fields.ts'

/**
 * Enters a classic group's rebalance. The answer comes when the generation is complete; the leader's lists the members.
 */
export const JoinGroup = defineApi({
  key: 11,
  name: 'JoinGroup',
  versions: [0, 9],
  flexible: 6,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ versions: '1+', fallback: -1, ignorable: true }),
    memberId: string(),
    // static membership, KIP-345
    groupInstanceId: string({ versions: '5+', nullable: '5+', fallback: null }),
    protocolType: string(),
    protocols: array(
      struct({
        name: string(),
        metadata: bytes(),
      }),
    ),
    reason: string({ versions: '8+', nullable: '8+', fallback: null, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ versions: '2+', fallback: 0, ignorable: true }),
    errorCode: int16(),
    generationId: int32({ fallback: -1 }),
    protocolType: string({ versions: '7+', nullable: '7+', fallback: null, ignorable: true }),
    protocolName: string({ nullable: '7+' }),
    leader: string(),
    skipAssignment: boolean({ versions: '9+', fallback: false }),
    memberId: string(),
    members: array(
      struct({
        memberId: string(),
        // static membership, KIP-345
        groupInstanceId: string({ versions: '5+', nullable: '5+', fallback: null, ignorable: true }),
        metadata: bytes(),
      }),
    ),
  },
})
