import {
  AddPartitionsToTxn,
  buildRecordBatch,
  CreateTopics,
  DeleteTopics,
  DescribeCluster,
  DescribeGroups,
  DescribeTopicPartitions,
  DescribeTransactions,
  IncrementalAlterConfigs,
  InitProducerId,
  Metadata,
  OffsetCommit,
  Produce,
} from '@keyfold/protocol'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { WireClient } from '../testing/wire-client.ts'

/** Fields of answers that clients seldom look at, as an Apache Kafka fills them (seen by the differential test). */

let broker: RunningBroker
let client: WireClient

beforeAll(async () => {
  broker = await startBroker({ memory: true, config: { 'auto.create.topics.enable': false } })
  client = new WireClient({ host: '127.0.0.1', port: Number(broker.address.split(':')[1]) })
  await createTopic('t')
})

afterAll(async () => {
  client.close()
  await broker.close()
})

function createTopic(name: string, validateOnly = false, numPartitions = 1) {
  const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }]
  return client.call(CreateTopics, 7, { topics, validateOnly })
}

it('statement 52: tells what a client may do if it asks, with topics by DescribeTopicPartitions always', async () => {
  const asking = { includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true }
  const metadata = await client.call(Metadata, 8, { topics: [{ name: 't' }], ...asking })
  expect([metadata.topics[0]?.topicAuthorizedOperations, metadata.clusterAuthorizedOperations]).toEqual([3576, 8096])
  const silent = await client.call(Metadata, 8, { topics: [{ name: 't' }] })
  expect([silent.topics[0]?.topicAuthorizedOperations, silent.clusterAuthorizedOperations]).toEqual([
    -2_147_483_648, -2_147_483_648,
  ])
  const request = { topics: [{ name: 't' }], responsePartitionLimit: 10, cursor: null }
  const described = await client.call(DescribeTopicPartitions, 0, request)
  expect(described.topics[0]?.topicAuthorizedOperations).toBe(3576)
  const cluster = await client.call(DescribeCluster, 1, { includeClusterAuthorizedOperations: true, endpointType: 1 })
  expect(cluster.clusterAuthorizedOperations).toBe(8096)
  const groups = await client.call(DescribeGroups, 5, { groups: ['none'], includeAuthorizedOperations: true })
  expect(groups.groups[0]?.authorizedOperations).toBe(3400)
})

it('statement 51: asking by id before version 12 is refused as a whole', async () => {
  const topics = [{ name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAABA' }]
  const { brokers, topics: answered } = await client.call(Metadata, 11, { topics })
  expect([brokers, answered[0]?.errorCode]).toEqual([[], 42])
})

it('statement 53: a topic that is only tried has an id, one that is refused has no settings', async () => {
  const tried = (await createTopic('tried', true)).topics[0]
  expect(tried?.topicId).not.toBe('AAAAAAAAAAAAAAAAAAAAAA')
  expect((await createTopic('refused', true, 0)).topics[0]).toMatchObject({ errorCode: 37, configs: [] })
})

it('statement 55: a change that no topic could have is refused as such, also of a topic that is not there', async () => {
  const alter = async (name: string) => {
    const configs = [{ name, configOperation: 0, value: '1' }]
    const resources = [{ resourceType: 2, resourceName: 'none', configs }]
    return (await client.call(IncrementalAlterConfigs, 1, { resources, validateOnly: true })).responses[0]?.errorCode
  }
  expect([await alter('no.such.config'), await alter('retention.ms')]).toEqual([40, 3])
})

it('statement 65: a partition that is not there is what a commit hears of first, and makes no group', async () => {
  const partitions = [{ partitionIndex: 9, committedOffset: 1, committedMetadata: null }]
  const request = { groupId: 'g', generationIdOrMemberEpoch: 5, memberId: 'm', topics: [{ name: 't', partitions }] }
  expect((await client.call(OffsetCommit, 7, request)).topics[0]?.partitions[0]?.errorCode).toBe(3)
  const { groups } = await client.call(DescribeGroups, 6, { groups: ['g'] })
  expect(groups[0]?.errorCode).toBe(69)
})

it('statement 13: a repeated batch is answered with its offset and its timestamp, a refused one with the log start', async () => {
  const { producerId } = await client.call(InitProducerId, 3, { transactionalId: null, transactionTimeoutMs: 1000 })
  const produce = async (baseSequence: number) => {
    const records = buildRecordBatch({
      records: [{ key: null, value: Buffer.from('x') }],
      timestamp: 1_700_000_000_000,
      producerId,
      producerEpoch: 0,
      baseSequence,
    })
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
    return (await client.call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })).responses[0]?.partitionResponses[0]
  }
  expect(await produce(0)).toMatchObject({ errorCode: 0, baseOffset: 0, logAppendTimeMs: -1 })
  expect(await produce(0)).toMatchObject({ errorCode: 0, baseOffset: 0, logAppendTimeMs: 1_700_000_000_000 })
  expect(await produce(7)).toMatchObject({ errorCode: 45, baseOffset: -1, logStartOffset: 0 })
})

it('statement 36: partitions of a deleted topic are no longer described in a transaction, unlike Kafka', async () => {
  await createTopic('doomed')
  const init = { transactionalId: 'tx', transactionTimeoutMs: 60_000 }
  const { producerId, producerEpoch } = await client.call(InitProducerId, 3, init)
  await client.call(AddPartitionsToTxn, 3, {
    v3AndBelowTransactionalId: 'tx',
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [
      { name: 'doomed', partitions: [0] },
      { name: 't', partitions: [0] },
    ],
  })
  await client.call(DeleteTopics, 5, { topicNames: ['doomed'], timeoutMs: 1000 })
  const { transactionStates } = await client.call(DescribeTransactions, 0, { transactionalIds: ['tx'] })
  expect(transactionStates[0]?.topics).toEqual([{ topic: 't', partitions: [0] }])
})
