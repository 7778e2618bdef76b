import { defineApi } from '../api.ts'
import { array, int16, int32, string, struct } from '../fields.ts'

/** Deletes groups that have no members. */
export const DeleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 2],
  flexible: 2,
  request: {
    groupsNames: array(string()),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    results: array(
      struct({
        groupId: string(),
        errorCode: int16(),
      }),
    ),
  },
})
