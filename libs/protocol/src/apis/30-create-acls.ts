import { defineApi } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/** Creates access rules. */
export const CreateAcls = defineApi({
  key: 30,
  name: 'CreateAcls',
  versions: [1, 3],
  flexible: 2,
  request: {
    creations: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        resourcePatternType: int8({ fallback: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    results: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '1+' }),
      }),
    ),
  },
})
