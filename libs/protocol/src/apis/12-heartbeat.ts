import { defineApi } from '../api.ts'
import { int16, int32, string } from '../fields.ts'

/** Keeps one group member alive. The group's state comes back as the error code. */
export const Heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexible: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '3+', fallback: null }), // static membership, KIP-345
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', fallback: 0, ignorable: true }),
    errorCode: int16(),
  },
})
