import { defineApi } from '../api.ts'
import { int16, int32, int64, string } from '../fields.ts'

/** Hands out a producer id and epoch, and fences older instances of a transactional id. */
export const InitProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  versions: [0, 5],
  flexible: 2,
  request: {
    transactionalId: string({ nullable: '0+' }),
    transactionTimeoutMs: int32(),
    producerId: int64({ versions: '3+', fallback: -1 }),
    producerEpoch: int16({ versions: '3+', fallback: -1 }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    errorCode: int16(),
    producerId: int64({ fallback: -1 }),
    producerEpoch: int16(),
  },
})
