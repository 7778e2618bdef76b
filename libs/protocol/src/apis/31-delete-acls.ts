import { defineApi } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/** Deletes the access rules that match filters. */
export const DeleteAcls = defineApi({
  key: 31,
  name: 'DeleteAcls',
  versions: [1, 3],
  flexible: 2,
  request: {
    filters: array(
      struct({
        resourceTypeFilter: int8(),
        resourceNameFilter: string({ nullable: '1+' }),
        patternTypeFilter: int8({ fallback: 3 }),
        principalFilter: string({ nullable: '1+' }),
        hostFilter: string({ nullable: '1+' }),
        operation: int8(),
        permissionType: int8(),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    filterResults: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '1+' }),
        matchingAcls: array(
          struct({
            errorCode: int16(),
            errorMessage: string({ nullable: '1+' }),
            resourceType: int8(),
            resourceName: string(),
            patternType: int8({ fallback: 3 }),
            principal: string(),
            host: string(),
            operation: int8(),
            permissionType: int8(),
          }),
        ),
      }),
    ),
  },
})
