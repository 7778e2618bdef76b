import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  buildRecordBatch,
  ConsumerGroupHeartbeat,
  EndTxn,
  Fetch,
  InitProducerId,
  KafkaError,
  ListOffsets,
  OffsetCommit,
  OffsetFetch,
  Produce,
  type RequestInput,
  TxnOffsetCommit,
} from '@keyfold/protocol'
import { committed, committedRecords, type ReadRecord } from '../committed-records.ts'
import type { Isolation } from '../history.ts'
import { type Generation, versions } from '../transaction-generations.ts'
import type { SimBroker } from './sim-broker.ts'

export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface BatchToSend extends ProducerIdentity {
  readonly topic: string
  readonly partition: number
  readonly baseSequence: number
  readonly values: readonly string[]
  readonly transactionalId: string | null
}

/** The requests of a simulated client, each with the answer's essence. Times of transactions are short. */
export const requests = {
  async initProducerId(broker: SimBroker, transactionalId: string | null) {
    const { errorCode, producerId, producerEpoch } = await broker.call(InitProducerId, 4, {
      transactionalId,
      transactionTimeoutMs: 2000,
    })
    return { errorCode, producerId, producerEpoch }
  },

  async produce(broker: SimBroker, batch: BatchToSend, generation: Generation = 1) {
    const { topic, partition, values, transactionalId, ...producer } = batch
    const records = buildRecordBatch({
      records: values.map((value) => ({ key: null, value: Buffer.from(value.padEnd(60)) })),
      timestamp: broker.broker.clock.wall(),
      isTransactional: transactionalId !== null,
      ...producer,
    })
    const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
    const response = await broker.call(Produce, versions[generation].produce, {
      transactionalId,
      acks: -1,
      timeoutMs: 1000,
      topicData,
    })
    const answer = response.responses[0]?.partitionResponses[0]
    return { errorCode: answer?.errorCode ?? -1, baseOffset: answer?.baseOffset ?? -1 }
  },

  async addPartitions(broker: SimBroker, transactionalId: string, producer: ProducerIdentity, places: Place[]) {
    const topics = [...Map.groupBy(places, ({ topic }) => topic)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition }) => partition),
    }))
    const response = await broker.call(AddPartitionsToTxn, 3, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producer.producerId,
      v3AndBelowProducerEpoch: producer.producerEpoch,
      v3AndBelowTopics: topics,
    })
    const results = response.resultsByTopicV3AndBelow.flatMap((topic) => topic.resultsByPartition)
    return results.find(({ partitionErrorCode }) => partitionErrorCode !== 0)?.partitionErrorCode ?? 0
  },

  async stageOffset(
    broker: SimBroker,
    transactionalId: string,
    producer: ProducerIdentity,
    { generation, ...position }: Place & { group: string; offset: number; generation: Generation },
  ): Promise<number> {
    const who = { transactionalId, ...producer, groupId: position.group }
    const added = generation === 1 ? await broker.call(AddOffsetsToTxn, 3, who) : undefined
    if (added !== undefined && added.errorCode !== 0) return added.errorCode
    const partitions = [
      { partitionIndex: position.partition, committedOffset: position.offset, committedMetadata: null },
    ]
    const topics = [{ name: position.topic, partitions }]
    const response = await broker.call(TxnOffsetCommit, versions[generation].stage, { ...who, topics })
    return response.topics[0]?.partitions[0]?.errorCode ?? -1
  },

  /** From transaction version 2 on the answer says who the producer is from then on. */
  async endTransaction(
    broker: SimBroker,
    transactionalId: string,
    { generation, committed, ...producer }: ProducerIdentity & { generation: Generation; committed: boolean },
  ) {
    const { end } = versions[generation]
    const answer = await broker.call(EndTxn, end, { transactionalId, ...producer, committed })
    const { errorCode, producerId, producerEpoch } = answer
    return { errorCode, next: generation === 1 ? producer : { producerId, producerEpoch } }
  },

  /** A record with a key; null is a tombstone. */
  async put(broker: SimBroker, { topic, partition }: Place, key: string, value: string | null): Promise<number> {
    const records = buildRecordBatch({
      records: [{ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) }],
      timestamp: broker.broker.clock.wall(),
    })
    const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
    const response = await broker.call(Produce, 9, { transactionalId: null, acks: -1, timeoutMs: 1000, topicData })
    return response.responses[0]?.partitionResponses[0]?.errorCode ?? -1
  },

  /** As a client that rebuilds a table from a topic has it. */
  async table(broker: SimBroker, { topic, partition }: Place): Promise<Map<string, string>> {
    const table = new Map<string, string>()
    const end = await requests.endOffset(broker, { topic, partition }, 'read_committed')
    for (let offset = 0; offset < end;) {
      const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: 4000 }]
      const limits = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 10_000, isolationLevel: 1 }
      const response = await broker.call(Fetch, 11, { ...limits, topics: [{ topic, partitions }] })
      const { records, abortedTransactions } = response.responses[0]?.partitions[0] ?? {}
      const bytes = records ?? Buffer.alloc(0)
      for (const { key, value } of committed(bytes, offset, abortedTransactions ?? [])) {
        if (value === null) table.delete(String(key))
        else table.set(String(key), String(value))
      }
      const { nextOffset } = committedRecords(bytes, offset, [])
      // The end of a compacted log may have nothing in it.
      if (nextOffset <= offset) break
      offset = nextOffset
    }
    return table
  },

  /** One heartbeat of a member of the consumer protocol. */
  async beat(broker: SimBroker, request: RequestInput<typeof ConsumerGroupHeartbeat>) {
    const { errorCode, memberEpoch, assignment } = await broker.call(ConsumerGroupHeartbeat, 1, request)
    return { errorCode, memberEpoch, assigned: assignment?.topicPartitions }
  },

  async commitOffset(
    broker: SimBroker,
    { group, topic, partition, offset }: Place & { group: string; offset: number },
  ) {
    const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: null }]
    const topics = [{ name: topic, partitions }]
    const response = await broker.call(OffsetCommit, 8, { groupId: group, memberId: '', topics })
    return response.topics[0]?.partitions[0]?.errorCode ?? -1
  },

  /** -1 without a committed offset; undefined while a transaction may still change it. */
  async fetchOffset(broker: SimBroker, group: string, { topic, partition }: Place): Promise<number | undefined> {
    const topics = [{ name: topic, partitionIndexes: [partition] }]
    const response = await broker.call(OffsetFetch, 7, { groupId: group, topics, requireStable: true })
    const answer = response.topics[0]?.partitions[0]
    return answer?.errorCode === KafkaError.UNSTABLE_OFFSET_COMMIT.code ? undefined : answer?.committedOffset
  },

  async fetch(
    broker: SimBroker,
    { topic, partition }: Place,
    { offset, isolation }: { offset: number; isolation: Isolation },
  ): Promise<{ errorCode: number; records: ReadRecord[]; nextOffset: number }> {
    const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: 4000 }]
    const response = await broker.call(Fetch, 11, {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 10_000,
      isolationLevel: isolation === 'read_committed' ? 1 : 0,
      topics: [{ topic, partitions }],
    })
    const answer = response.responses[0]?.partitions[0]
    const aborted = answer?.abortedTransactions ?? []
    const read = committedRecords(answer?.records ?? Buffer.alloc(0), offset, aborted)
    const records = read.records.map((record) => ({ ...record, value: record.value.trimEnd() }))
    return { errorCode: answer?.errorCode ?? -1, records, nextOffset: read.nextOffset }
  },

  /** End of what a reader may see. */
  async endOffset(broker: SimBroker, { topic, partition }: Place, isolation: Isolation): Promise<number> {
    const partitions = [{ partitionIndex: partition, timestamp: -1 }]
    const isolationLevel = isolation === 'read_committed' ? 1 : 0
    const topics = [{ name: topic, partitions }]
    const response = await broker.call(ListOffsets, 4, { replicaId: -1, isolationLevel, topics })
    return response.topics[0]?.partitions[0]?.offset ?? -1
  },
}

export interface Place {
  readonly topic: string
  readonly partition: number
}
