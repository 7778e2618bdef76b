import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, int64, int8, string, struct } from '../fields.ts'

/** Ends transactions on partitions: brokers among themselves, and administrators who clear a hanging one (KIP-664). */
export const WriteTxnMarkers = defineApi({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: [1, 2],
  flexible: 1,
  request: {
    markers: array(
      struct({
        producerId: int64(),
        producerEpoch: int16(),
        transactionResult: boolean(), // true commits
        topics: array(
          struct({
            name: string(),
            partitionIndexes: array(int32()),
          }),
        ),
        coordinatorEpoch: int32(),
        transactionVersion: int8({ versions: '2+', fallback: 0, ignorable: true }), // KIP-1228
      }),
    ),
  },
  response: {
    markers: array(
      struct({
        producerId: int64(),
        topics: array(
          struct({
            name: string(),
            partitions: array(
              struct({
                partitionIndex: int32(),
                errorCode: int16(),
              }),
            ),
          }),
        ),
      }),
    ),
  },
})
