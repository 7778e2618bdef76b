import { defineApi } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Finds the broker that coordinates a group or a transactional id; several keys at once from version 4 on (KIP-699).
 */
export const FindCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  versions: [0, 6],
  flexible: 3,
  request: {
    key: string({ versions: '0-3' }),
    keyType: int8({ versions: '1+', fallback: 0 }),
    coordinatorKeys: array(string(), { versions: '4+' }),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', fallback: 0, ignorable: true }),
    errorCode: int16({ versions: '0-3' }),
    errorMessage: string({ versions: '1-3', nullable: '1-3', ignorable: true }),
    nodeId: int32({ versions: '0-3' }),
    host: string({ versions: '0-3' }),
    port: int32({ versions: '0-3' }),
    coordinators: array(
      struct({
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '4+' }),
      }),
      { versions: '4+' },
    ),
  },
})
