import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, int8, string, struct, uuid } from '../fields.ts'

/** Creates topics, with counts or with explicit replica assignments; -1 asks for the broker's defaults. */
export const CreateTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  versions: [2, 7],
  flexible: 5,
  request: {
    topics: array(
      struct({
        name: string(),
        numPartitions: int32(),
        replicationFactor: int16(),
        assignments: array(
          struct({
            partitionIndex: int32(),
            brokerIds: array(int32()),
          }),
        ),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: '2+' }),
          }),
        ),
      }),
    ),
    timeoutMs: int32({ fallback: 60000 }),
    validateOnly: boolean({ fallback: false }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    topics: array(
      struct({
        name: string(),
        topicId: uuid({ versions: '7+', ignorable: true }),
        errorCode: int16(),
        errorMessage: string({ nullable: '2+' }),
        topicConfigErrorCode: int16({ versions: '5+', tag: 0, ignorable: true }),
        numPartitions: int32({ versions: '5+', fallback: -1, ignorable: true }),
        replicationFactor: int16({ versions: '5+', fallback: -1, ignorable: true }),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: '5+' }),
            readOnly: boolean(),
            configSource: int8({ fallback: -1 }),
            isSensitive: boolean(),
          }),
          { versions: '5+', nullable: '5+', ignorable: true },
        ),
      }),
    ),
  },
})
