import { gzipSync } from 'node:zlib'
import { crc32c } from '@keyfold/bytes'
import {
  AddPartitionsToTxn,
  buildRecordBatch,
  type Compressors,
  CreateTopics,
  DescribeConfigs,
  DescribeTransactions,
  EndTxn,
  Fetch,
  IncrementalAlterConfigs,
  InitProducerId,
  KafkaError,
  OffsetForLeaderEpoch,
  Produce,
  recordBatchLayout,
  TxnOffsetCommit,
  WriteTxnMarkers,
} from '@keyfold/protocol'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BrokerConfig } from '../config/broker-config.ts'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { WireClient } from '../testing/wire-client.ts'

/** Rows of docs/broker-differences.md that no other test asserts. */

const MiB = 1_048_576

let broker: RunningBroker
let client: WireClient

beforeAll(async () => {
  broker = await startBroker({ memory: true })
  client = new WireClient(broker)
  const topics = [{ name: 't', numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] }]
  await client.call(CreateTopics, 7, { topics })
})

afterAll(async () => {
  client.close()
  await broker.close()
})

function batchOf(text: string, compression: 'none' | 'gzip' = 'none'): Buffer {
  const compressors: Compressors = { gzip: { compress: (bytes) => gzipSync(bytes), decompress: (bytes) => bytes } }
  return buildRecordBatch({ records: [{ key: null, value: Buffer.from(text) }], compression, compressors })
}

/** A batch whose checksum fits what was changed in it. */
function altered(batch: Buffer, change: (bytes: Buffer) => void): Buffer {
  change(batch)
  batch.writeUInt32BE(crc32c(batch.subarray(recordBatchLayout.attributes)) >>> 0, recordBatchLayout.crc)
  return batch
}

async function produce(index: number, records: Buffer): Promise<string> {
  const topicData = [{ name: 't', partitionData: [{ index, records }] }]
  const { responses } = await client.call(Produce, 9, { acks: -1, timeoutMs: 1_000, topicData })
  return nameOf(responses[0]?.partitionResponses[0]?.errorCode)
}

function nameOf(code: number | undefined): string {
  return Object.values(KafkaError).find((error) => error.code === code)?.name ?? `${code}`
}

async function init(transactionalId: string) {
  const request = { transactionalId, transactionTimeoutMs: 60_000 }
  const { producerId, producerEpoch } = await client.call(InitProducerId, 4, request)
  return { transactionalId, producerId, producerEpoch }
}

async function addPartition({ transactionalId, producerId, producerEpoch }: Awaited<ReturnType<typeof init>>) {
  const { resultsByTopicV3AndBelow: results } = await client.call(AddPartitionsToTxn, 3, {
    v3AndBelowTransactionalId: transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [{ name: 't', partitions: [2] }],
  })
  return nameOf(results[0]?.resultsByPartition[0]?.partitionErrorCode)
}

async function describeTransaction(transactionalId: string) {
  const { transactionStates } = await client.call(DescribeTransactions, 0, { transactionalIds: [transactionalId] })
  return transactionStates[0]
}

async function configsOf(configurationKeys: string[]) {
  const resources = [{ resourceType: 2, resourceName: 't', configurationKeys }]
  const { results } = await client.call(DescribeConfigs, 4, { resources })
  return results[0]?.configs ?? []
}

it.each([
  ['statement 4: what a batch may decompress to has a bound', 'keyfold.decompressed.bytes.max', 32 * MiB],
  ['statement 8: a request may have 16 MiB', 'socket.request.max.bytes', 16 * MiB],
  ['statement 64: a classic group has a bound on its members', 'group.max.size', 1_000],
  ['statement 64: a consumer group has a bound on its members', 'group.consumer.max.size', 1_000],
  ['statement 79: the memory of a compaction', 'log.cleaner.dedupe.buffer.size', 32 * MiB],
] as const)('%s', (_, key, value) => {
  expect(new BrokerConfig({}).number(key)).toBe(value)
})

it('statement 1: errors have a name where Kafka says UNKNOWN_SERVER_ERROR', async () => {
  const { attributes, recordCount } = recordBatchLayout
  const garbage = altered(batchOf('x', 'gzip'), (bytes) => bytes.fill(0xff, recordCount + 4))
  expect(await produce(0, garbage)).toBe('INVALID_RECORD')
  const unknown = altered(batchOf('x'), (bytes) => bytes.writeInt16BE(5, attributes))
  expect(await produce(0, unknown)).toBe('INVALID_RECORD')
  const configs = [{ name: 'retention.ms', configOperation: 9, value: '1' }]
  const resources = [{ resourceType: 2, resourceName: 't', configs }]
  const { responses } = await client.call(IncrementalAlterConfigs, 1, { resources, validateOnly: true })
  expect(nameOf(responses[0]?.errorCode)).toBe('INVALID_REQUEST')
})

it('statement 28: when EndTxn is answered its transaction is complete, and the next one may begin', async () => {
  const producer = await init('at-once')
  for (const committed of [true, false]) {
    expect(await addPartition(producer)).toBe('NONE')
    expect((await client.call(EndTxn, 3, { ...producer, committed })).errorCode).toBe(0)
    const state = (await describeTransaction('at-once'))?.transactionState
    expect(state).toBe(committed ? 'CompleteCommit' : 'CompleteAbort')
  }
})

it('statement 30: a marker with a negative producer epoch has an error of its own', async () => {
  const { producerId } = await init('marked')
  const topics = [{ name: 't', partitionIndexes: [2] }]
  const marker = { producerId, producerEpoch: -1, transactionResult: false, coordinatorEpoch: 0, topics }
  const { markers } = await client.call(WriteTxnMarkers, 1, { markers: [marker] })
  expect(nameOf(markers[0]?.topics[0]?.partitions[0]?.errorCode)).toBe('INVALID_PRODUCER_EPOCH')
})

it('statement 36: offsets of a transaction show in no partition', async () => {
  const producer = await init('with-offsets')
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }]
  const request = { ...producer, groupId: 'g', topics: [{ name: 't', partitions }] }
  const { topics } = await client.call(TxnOffsetCommit, 5, request)
  expect(nameOf(topics[0]?.partitions[0]?.errorCode)).toBe('NONE')
  expect(await describeTransaction('with-offsets')).toMatchObject({ transactionState: 'Ongoing', topics: [] })
})

it('statement 40: a part of a batch is neither sent nor counted', async () => {
  for (const index of [0, 1]) {
    for (let n = 0; n < 2; n++) expect(await produce(index, batchOf('x'.repeat(300)))).toBe('NONE')
  }
  const size = batchOf('x'.repeat(300)).length
  // There is room for a whole batch and a half in the first partition: of both, Kafka would leave none for the second.
  const maxBytes = size * 1.5
  const partitions = [0, 1].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: Math.floor(maxBytes) }))
  const request = { maxWaitMs: 0, minBytes: 0, maxBytes: size * 2, topics: [{ topic: 't', partitions }] }
  const { responses } = await client.call(Fetch, 11, request)
  expect(responses.flatMap((each) => each.partitions.map(({ records }) => records?.length ?? 0))).toEqual([size, size])
})

it('statement 48: the epoch of a leader is 0 from the first start on', async () => {
  const topics = [{ topic: 't', partitions: [{ partition: 0, currentLeaderEpoch: 0, leaderEpoch: 0 }] }]
  const answer = await client.call(OffsetForLeaderEpoch, 4, { topics })
  expect(answer.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, leaderEpoch: 0 })
})

it('statement 55: settings that nothing reads are not there', async () => {
  const unread = ['remote.storage.enable', 'local.retention.ms', 'leader.replication.throttled.replicas']
  expect(await configsOf(unread)).toEqual([])
  const topic = { name: 'tried', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const { topics } = await client.call(CreateTopics, 7, { topics: [topic], validateOnly: true })
  const names = topics[0]?.configs?.map(({ name }) => name) ?? []
  expect(names).toContain('retention.ms')
  expect(names.filter((name) => unread.includes(name))).toEqual([])
})

it('statement 55: min.insync.replicas is a plain default', async () => {
  expect(await configsOf(['min.insync.replicas'])).toMatchObject([{ value: '1', configSource: 5 }])
})
