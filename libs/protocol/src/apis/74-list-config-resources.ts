import { defineApi } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/** What there are settings of; version 0 is about client metrics only (KIP-714, KIP-1142). */
export const ListConfigResources = defineApi({
  key: 74,
  name: 'ListConfigResources',
  versions: [0, 1],
  flexible: 0,
  request: {
    resourceTypes: array(int8(), { versions: '1+' }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    errorCode: int16(),
    configResources: array(
      struct({ resourceName: string(), resourceType: int8({ versions: '1+', fallback: 16, ignorable: true }) }),
    ),
  },
})
