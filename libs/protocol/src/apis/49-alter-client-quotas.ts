import { defineApi } from '../api.ts'
import { array, boolean, float64, int16, int32, string, struct } from '../fields.ts'

/** Sets and removes quotas (KIP-546). */
export const AlterClientQuotas = defineApi({
  key: 49,
  name: 'AlterClientQuotas',
  versions: [0, 1],
  flexible: 1,
  request: {
    entries: array(
      struct({
        entity: array(struct({ entityType: string(), entityName: string({ nullable: '0+' }) })),
        ops: array(struct({ key: string(), value: float64(), remove: boolean() })),
      }),
    ),
    validateOnly: boolean(),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    entries: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        entity: array(struct({ entityType: string(), entityName: string({ nullable: '0+' }) })),
      }),
    ),
  },
})
