import { defineApi } from '../api.ts'
import { array, bytes, int16, int32, string, struct } from '../fields.ts'

/** Hands out a generation's assignments: the leader brings them, every member leaves with its own. */
export const SyncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '3+', fallback: null }), // static membership, KIP-345
    protocolType: string({ versions: '5+', nullable: '5+', fallback: null, ignorable: true }),
    protocolName: string({ versions: '5+', nullable: '5+', fallback: null, ignorable: true }),
    assignments: array(
      struct({
        memberId: string(),
        assignment: bytes(),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', fallback: 0, ignorable: true }),
    errorCode: int16(),
    protocolType: string({ versions: '5+', nullable: '5+', fallback: null, ignorable: true }),
    protocolName: string({ versions: '5+', nullable: '5+', fallback: null, ignorable: true }),
    assignment: bytes(),
  },
})
