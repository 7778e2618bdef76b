import { defineApi } from '../api.ts'
import { array, int16, int32, int64, string, struct } from '../fields.ts'

/** Shows the producers that a partition knows, with their sequences and open transactions (KIP-664). */
export const DescribeProducers = defineApi({
  key: 61,
  name: 'DescribeProducers',
  versions: [0, 0],
  flexible: 0,
  request: {
    topics: array(
      struct({
        name: string(),
        partitionIndexes: array(int32()),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            errorMessage: string({ nullable: '0+', fallback: null }),
            activeProducers: array(
              struct({
                producerId: int64(),
                producerEpoch: int32(),
                lastSequence: int32({ fallback: -1 }),
                lastTimestamp: int64({ fallback: -1 }),
                coordinatorEpoch: int32(),
                currentTxnStartOffset: int64({ fallback: -1 }),
              }),
            ),
          }),
        ),
      }),
    ),
  },
})
