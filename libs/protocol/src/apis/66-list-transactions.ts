import { defineApi } from '../api.ts'
import { array, int16, int32, int64, string, struct } from '../fields.ts'

/** Lists the transactions that a broker coordinates, filtered by state, producer, duration and id (KIP-664). */
export const ListTransactions = defineApi({
  key: 66,
  name: 'ListTransactions',
  versions: [0, 2],
  flexible: 0,
  request: {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64({ versions: '1+', fallback: -1 }),
    transactionalIdPattern: string({ versions: '2+', nullable: '2+', fallback: null }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array(
      struct({
        transactionalId: string(),
        producerId: int64(),
        transactionState: string(),
      }),
    ),
  },
})
