import { defineApi } from '../api.ts'
import { array, int16, int32, string, struct } from '../fields.ts'

/** Takes members out of a group; several at once from version 3 on (static members, KIP-345). */
export const LeaveGroup = defineApi({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string(),
    memberId: string({ versions: '0-2' }),
    members: array(
      struct({
        memberId: string(),
        groupInstanceId: string({ nullable: '3+', fallback: null }), // static membership, KIP-345
        reason: string({ versions: '5+', nullable: '5+', fallback: null, ignorable: true }),
      }),
      { versions: '3+' },
    ),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', fallback: 0, ignorable: true }),
    errorCode: int16(),
    members: array(
      struct({
        memberId: string(),
        groupInstanceId: string({ nullable: '3+' }), // static membership, KIP-345
        errorCode: int16(),
      }),
      { versions: '3+' },
    ),
  },
})
