import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, int8, string, struct } from '../fields.ts'

/** Finalizes versions of features (KIP-584). */
export const UpdateFeatures = defineApi({
  key: 57,
  name: 'UpdateFeatures',
  versions: [0, 2],
  flexible: 0,
  request: {
    timeoutMs: int32({ fallback: 60_000 }),
    featureUpdates: array(
      struct({
        feature: string(),
        maxVersionLevel: int16(),
        allowDowngrade: boolean({ versions: '0' }),
        upgradeType: int8({ versions: '1+', fallback: 1 }),
      }),
    ),
    validateOnly: boolean({ versions: '1+', fallback: false }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    results: array(struct({ feature: string(), errorCode: int16(), errorMessage: string({ nullable: '0+' }) }), {
      versions: '0-1',
      ignorable: true,
    }),
  },
})
