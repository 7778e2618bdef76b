import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, int64, string, struct } from '../fields.ts'

const topic = {
  name: string(),
  partitions: array(int32()),
}

const partitionResult = {
  partitionIndex: int32(),
  partitionErrorCode: int16(),
}

const topicResult = {
  name: string(),
  resultsByPartition: array(struct(partitionResult)),
}

/** Announces partitions to a transaction before it writes to them; version 4 and later are for brokers (KIP-890). */
export const AddPartitionsToTxn = defineApi({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: [0, 5],
  flexible: 3,
  request: {
    transactions: array(
      struct({
        transactionalId: string(),
        producerId: int64(),
        producerEpoch: int16(),
        verifyOnly: boolean({ fallback: false }),
        topics: array(struct(topic)),
      }),
      { versions: '4+' },
    ),
    v3AndBelowTransactionalId: string({ versions: '0-3' }),
    v3AndBelowProducerId: int64({ versions: '0-3' }),
    v3AndBelowProducerEpoch: int16({ versions: '0-3' }),
    v3AndBelowTopics: array(struct(topic), { versions: '0-3' }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    errorCode: int16({ versions: '4+', ignorable: true }),
    resultsByTransaction: array(
      struct({
        transactionalId: string(),
        topicResults: array(struct(topicResult)),
      }),
      { versions: '4+' },
    ),
    resultsByTopicV3AndBelow: array(struct(topicResult), { versions: '0-3' }),
  },
})
