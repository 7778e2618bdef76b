import { defineApi } from '../api.ts'
import { array, boolean, float64, int16, int32, int8, string, struct } from '../fields.ts'

/** Quotas of users, client ids and addresses (KIP-546). */
export const DescribeClientQuotas = defineApi({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: [0, 1],
  flexible: 1,
  request: {
    components: array(struct({ entityType: string(), matchType: int8(), match: string({ nullable: '0+' }) })),
    strict: boolean(),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    entries: array(
      struct({
        entity: array(struct({ entityType: string(), entityName: string({ nullable: '0+' }) })),
        values: array(struct({ key: string(), value: float64() })),
      }),
      { nullable: '0+' },
    ),
  },
})
