import { defineApi } from '../api.ts'
import { array, int16, int32, int64, int8, records, string, struct, uuid } from '../fields.ts'

/**
 * Reads record batches from partitions, waiting up to maxWaitMs for minBytes. Version 7 adds fetch sessions (KIP-227),
 * 13 topic ids (KIP-516).
 */
export const Fetch = defineApi({
  key: 1,
  name: 'Fetch',
  versions: [4, 18],
  flexible: 12,
  request: {
    clusterId: string({ versions: '12+', nullable: '12+', fallback: null, tag: 0, ignorable: true }),
    replicaId: int32({ versions: '4-14', fallback: -1 }),
    replicaState: struct(
      {
        replicaId: int32({ fallback: -1 }),
        replicaEpoch: int64({ fallback: -1 }),
      },
      { versions: '15+', tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ fallback: 0x7fffffff }),
    isolationLevel: int8({ fallback: 0 }),
    sessionId: int32({ versions: '7+', fallback: 0, ignorable: true }),
    sessionEpoch: int32({ versions: '7+', fallback: -1, ignorable: true }),
    topics: array(
      struct({
        topic: string({ versions: '4-12', ignorable: true }),
        topicId: uuid({ versions: '13+', ignorable: true }),
        partitions: array(
          struct({
            partition: int32(),
            currentLeaderEpoch: int32({ versions: '9+', fallback: -1, ignorable: true }),
            fetchOffset: int64(),
            lastFetchedEpoch: int32({ versions: '12+', fallback: -1 }),
            logStartOffset: int64({ versions: '5+', fallback: -1, ignorable: true }),
            partitionMaxBytes: int32(),
            replicaDirectoryId: uuid({ versions: '17+', tag: 0, ignorable: true }),
            highWatermark: int64({ versions: '18+', fallback: 2 ** 63, tag: 1, ignorable: true }),
          }),
        ),
      }),
    ),
    forgottenTopicsData: array(
      struct({
        topic: string({ versions: '7-12', ignorable: true }),
        topicId: uuid({ versions: '13+', ignorable: true }),
        partitions: array(int32()),
      }),
      { versions: '7+' },
    ),
    rackId: string({ versions: '11+', fallback: '', ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    errorCode: int16({ versions: '7+', ignorable: true }),
    sessionId: int32({ versions: '7+', fallback: 0 }),
    responses: array(
      struct({
        topic: string({ versions: '4-12', ignorable: true }),
        topicId: uuid({ versions: '13+', ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            highWatermark: int64(),
            lastStableOffset: int64({ fallback: -1 }),
            logStartOffset: int64({ versions: '5+', fallback: -1, ignorable: true }),
            divergingEpoch: struct(
              {
                epoch: int32({ fallback: -1 }),
                endOffset: int64({ fallback: -1 }),
              },
              { versions: '12+', tag: 0 },
            ),
            currentLeader: struct(
              {
                leaderId: int32({ fallback: -1 }),
                leaderEpoch: int32({ fallback: -1 }),
              },
              { versions: '12+', tag: 1 },
            ),
            snapshotId: struct(
              {
                endOffset: int64({ fallback: -1 }),
                epoch: int32({ fallback: -1 }),
              },
              { versions: '12+', tag: 2 },
            ),
            abortedTransactions: array(
              struct({
                producerId: int64(),
                firstOffset: int64(),
              }),
              { nullable: '4+' },
            ),
            preferredReadReplica: int32({ versions: '11+', fallback: -1 }),
            records: records({ nullable: '4+' }),
          }),
        ),
      }),
    ),
    nodeEndpoints: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: '16+', fallback: null }),
      }),
      { versions: '16+', tag: 0 },
    ),
  },
})
