import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, int64, string, struct } from '../fields.ts'

/** The directories of a broker and the sizes of the logs in them (KIP-113). */
export const DescribeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  versions: [1, 5],
  flexible: 2,
  request: {
    topics: array(struct({ topic: string(), partitions: array(int32()) }), { nullable: '0+' }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    errorCode: int16({ versions: '3+', ignorable: true }),
    results: array(
      struct({
        errorCode: int16(),
        logDir: string(),
        topics: array(
          struct({
            name: string(),
            partitions: array(
              struct({ partitionIndex: int32(), partitionSize: int64(), offsetLag: int64(), isFutureKey: boolean() }),
            ),
          }),
        ),
        totalBytes: int64({ versions: '4+', fallback: -1, ignorable: true }),
        usableBytes: int64({ versions: '4+', fallback: -1, ignorable: true }),
        isCordoned: boolean({ versions: '5+', fallback: false, ignorable: true }),
      }),
    ),
  },
})
