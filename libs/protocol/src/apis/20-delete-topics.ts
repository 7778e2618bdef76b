import { defineApi } from '../api.ts'
import { array, int16, int32, string, struct, uuid } from '../fields.ts'

/** Deletes topics by name, from version 6 on also by id (KIP-516). */
export const DeleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  versions: [1, 6],
  flexible: 4,
  request: {
    topics: array(
      struct({
        name: string({ nullable: '6+', fallback: null }),
        topicId: uuid(),
      }),
      { versions: '6+' },
    ),
    topicNames: array(string(), { versions: '1-5', ignorable: true }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    responses: array(
      struct({
        name: string({ nullable: '6+' }),
        topicId: uuid({ versions: '6+', ignorable: true }),
        errorCode: int16(),
        errorMessage: string({ versions: '5+', nullable: '5+', fallback: null, ignorable: true }),
      }),
    ),
  },
})
