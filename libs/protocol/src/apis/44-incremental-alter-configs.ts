import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, int8, string, struct } from '../fields.ts'

/** Changes single configuration values: set, delete, append, subtract (KIP-339). */
export const IncrementalAlterConfigs = defineApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: [0, 1],
  flexible: 1,
  request: {
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        configs: array(
          struct({
            name: string(),
            configOperation: int8(),
            value: string({ nullable: '0+' }),
          }),
        ),
      }),
    ),
    validateOnly: boolean(),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    responses: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        resourceType: int8(),
        resourceName: string(),
      }),
    ),
  },
})
