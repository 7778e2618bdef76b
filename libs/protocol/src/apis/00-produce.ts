import { defineApi } from '../api.ts'
import { array, int16, int32, int64, records, string, struct, uuid } from '../fields.ts'

/** Appends record batches to partitions, one batch per partition. With acks 0 there is no response at all. */
export const Produce = defineApi({
  key: 0,
  name: 'Produce',
  versions: [3, 13],
  // Old librdkafka looks for version 0 and drops compression without it (KAFKA-18659).
  advertised: [0, 13],
  flexible: 9,
  request: {
    transactionalId: string({ nullable: '3+', fallback: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array(
      struct({
        name: string({ versions: '3-12', ignorable: true }),
        topicId: uuid({ versions: '13+', ignorable: true }),
        partitionData: array(
          struct({
            index: int32(),
            records: records({ nullable: '3+' }),
          }),
        ),
      }),
    ),
  },
  response: {
    responses: array(
      struct({
        name: string({ versions: '3-12', ignorable: true }),
        topicId: uuid({ versions: '13+', ignorable: true }),
        partitionResponses: array(
          struct({
            index: int32(),
            errorCode: int16(),
            baseOffset: int64(),
            logAppendTimeMs: int64({ fallback: -1 }),
            logStartOffset: int64({ versions: '5+', fallback: -1, ignorable: true }),
            recordErrors: array(
              struct({
                batchIndex: int32(),
                batchIndexErrorMessage: string({ nullable: '8+', fallback: null }),
              }),
              { versions: '8+', ignorable: true },
            ),
            errorMessage: string({ versions: '8+', nullable: '8+', fallback: null, ignorable: true }),
            currentLeader: struct(
              {
                leaderId: int32({ fallback: -1 }),
                leaderEpoch: int32({ fallback: -1 }),
              },
              { versions: '10+', tag: 0 },
            ),
          }),
        ),
      }),
    ),
    throttleTimeMs: int32({ fallback: 0 }),
    nodeEndpoints: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: '10+', fallback: null }),
      }),
      { versions: '10+', tag: 0 },
    ),
  },
})
