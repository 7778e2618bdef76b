import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  ApiVersions,
  buildRecordBatch,
  CreateTopics,
  DescribeProducers,
  DescribeTransactions,
  EndTxn,
  InitProducerId,
  KafkaError,
  ListOffsets,
  ListTransactions,
  OffsetCommit,
  OffsetFetch,
  Produce,
  TxnOffsetCommit,
  WriteTxnMarkers,
} from '@keyfold/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { WireClient } from '../testing/wire-client.ts'

let broker: RunningBroker
let client: WireClient

beforeAll(async () => {
  broker = await startBroker({ memory: true, config: { 'group.initial.rebalance.delay.ms': 0 } })
  client = new WireClient(broker)
  await createTopics(client)
})

afterAll(async () => {
  client.close()
  await broker.close()
})

interface Producer {
  transactionalId: string
  producerId: number
  producerEpoch: number
}

async function createTopics(by: WireClient): Promise<void> {
  const topics = ['t', 'u', 'v'].map((name) => ({
    name,
    numPartitions: 2,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  await by.call(CreateTopics, 7, { topics })
}

function nameOf(code: number | undefined): string {
  return Object.values(KafkaError).find((error) => error.code === code)?.name ?? `${code}`
}

async function init(transactionalId: string, by = client): Promise<Producer> {
  const { producerId, producerEpoch } = await by.call(InitProducerId, 5, {
    transactionalId,
    transactionTimeoutMs: 60_000,
  })
  return { transactionalId, producerId, producerEpoch }
}

interface Place {
  topic?: string
  partition?: number
  sequence?: number
  version?: number
  transactionalId?: string | null
}

async function produce(producer: Producer, place: Place = {}, by = client): Promise<string> {
  const { topic = 't', partition = 0, sequence = 0, version = 12, transactionalId = producer.transactionalId } = place
  const { producerId, producerEpoch } = producer
  const records = buildRecordBatch({
    records: [{ key: null, value: Buffer.from('v') }],
    timestamp: Date.now(),
    producerId,
    producerEpoch,
    baseSequence: sequence,
    isTransactional: true,
  })
  const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
  const { responses } = await by.call(Produce, version, { transactionalId, acks: -1, timeoutMs: 1000, topicData })
  return nameOf(responses[0]?.partitionResponses[0]?.errorCode)
}

async function end(producer: Producer, committed: boolean, version = 5): Promise<string> {
  const { errorCode, producerEpoch } = await client.call(EndTxn, version, { ...producer, committed })
  return `${nameOf(errorCode)} ${producerEpoch}`
}

async function commitOffset(producer: Producer, version: number, overrides: object = {}): Promise<string> {
  const { topics } = await client.call(TxnOffsetCommit, version, {
    ...producer,
    groupId: 'g',
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 7, committedMetadata: null }] }],
    ...overrides,
  })
  return nameOf(topics[0]?.partitions[0]?.errorCode)
}

async function stableOffset(groupId: string): Promise<string> {
  const topics = [{ name: 't', partitionIndexes: [0] }]
  const fetched = await client.call(OffsetFetch, 7, { groupId, topics, requireStable: true })
  const partition = fetched.topics[0]?.partitions[0]
  return `${nameOf(partition?.errorCode)} ${partition?.committedOffset}`
}

async function endOffset(topic: string, isolationLevel: number, by = client): Promise<number | undefined> {
  const partitions = [{ partitionIndex: 0, timestamp: -1 }]
  const { topics } = await by.call(ListOffsets, 5, {
    replicaId: -1,
    isolationLevel,
    topics: [{ name: topic, partitions }],
  })
  return topics[0]?.partitions[0]?.offset
}

describe('ApiVersions', () => {
  it('finalizes transaction version 2; its range from 0 on is told from version 4 on (KAFKA-17011)', async () => {
    const software = { clientSoftwareName: 'spec', clientSoftwareVersion: '1' }
    const [three, four] = [await client.call(ApiVersions, 3, software), await client.call(ApiVersions, 4, software)]
    const finalized = { name: 'transaction.version', minVersionLevel: 2, maxVersionLevel: 2 }
    for (const { finalizedFeatures, finalizedFeaturesEpoch } of [three, four]) {
      expect(finalizedFeatures).toContainEqual(finalized)
      expect(finalizedFeaturesEpoch).toBeGreaterThanOrEqual(0)
    }
    expect(three.supportedFeatures.filter(({ minVersion }) => minVersion === 0)).toEqual([])
    expect(four.supportedFeatures).toContainEqual({ name: 'transaction.version', minVersion: 0, maxVersion: 2 })
  })
})

describe('InitProducerId', () => {
  it.each([
    { producerId: 7, producerEpoch: -1 },
    { producerId: -1, producerEpoch: 7 },
  ])('refuses a producer that names only one of its id and epoch (KIP-360): %o', async (named) => {
    const request = { transactionalId: 'half named', transactionTimeoutMs: 60_000, ...named }
    const answer = await client.call(InitProducerId, 4, request)
    expect(answer).toMatchObject({ errorCode: KafkaError.INVALID_REQUEST.code, producerId: -1, producerEpoch: -1 })
  })
})

describe('Produce', () => {
  it('statement 26: what was not announced is refused in the words of the version; version 12 announces it', async () => {
    const producer = await init('words')
    expect(await produce(producer, { version: 10 })).toBe('INVALID_TXN_STATE')
    expect(await produce(producer, { version: 11 })).toBe('TRANSACTION_ABORTABLE')
    expect(await produce(producer, { version: 12 })).toBe('NONE')
    expect(await produce(producer, { version: 9, sequence: 1 })).toBe('NONE')
    expect(await end(producer, true)).toBe('NONE 1')
  })

  it('statement 26: a transactional batch needs a transactional id', async () => {
    const producer = await init('anonymous')
    expect(await produce(producer, { transactionalId: null })).toBe('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  })

  it('statement 26: of the wrong producer is refused, of an older epoch by the partition itself', async () => {
    const producer = await init('wrong')
    expect(await produce({ ...producer, producerId: 424_242 })).toBe('INVALID_PRODUCER_ID_MAPPING')
    await produce(producer)
    await end(producer, true)
    expect(await produce({ ...producer, transactionalId: 'nobody' })).toBe('INVALID_PRODUCER_EPOCH')
  })
})

describe('EndTxn', () => {
  it('statement 27: version 5 answers with the next epoch, also a repeated request', async () => {
    const producer = await init('ends')
    await produce(producer)
    expect([await end(producer, true), await end(producer, true)]).toEqual(['NONE 1', 'NONE 1'])
    expect(await end(producer, false)).toBe('INVALID_TXN_STATE -1')
    expect(await end(producer, true, 4)).toBe('PRODUCER_FENCED -1')
    expect(await end(producer, true, 1)).toBe('INVALID_PRODUCER_EPOCH -1')
  })
})

describe('AddPartitionsToTxn', () => {
  const add = async (version: number, transactions: (Producer & { verifyOnly: boolean; partitions: number[] })[]) => {
    const { resultsByTransaction } = await client.call(AddPartitionsToTxn, version, {
      transactions: transactions.map(({ partitions, ...rest }) => ({ ...rest, topics: [{ name: 'u', partitions }] })),
    })
    return resultsByTransaction.map(({ topicResults }) =>
      topicResults.flatMap(({ resultsByPartition }) =>
        resultsByPartition.map(({ partitionErrorCode }) => nameOf(partitionErrorCode)),
      ),
    )
  }

  it('statement 25: of brokers takes several transactions; each is added whole or not at all', async () => {
    const [one, two] = [await init('one'), await init('two')]
    const results = await add(4, [
      { ...one, verifyOnly: false, partitions: [0, 77] },
      { ...two, verifyOnly: false, partitions: [0, 1] },
      { ...one, producerEpoch: 9, verifyOnly: false, partitions: [0] },
    ])
    expect(results).toEqual([
      ['OPERATION_NOT_ATTEMPTED', 'UNKNOWN_TOPIC_OR_PARTITION'],
      ['NONE', 'NONE'],
      ['PRODUCER_FENCED'],
    ])
  })

  it('statement 26: that only asks adds nothing', async () => {
    const producer = await init('asks')
    await produce(producer, { topic: 'u' })
    const asked = { ...producer, verifyOnly: true, partitions: [0, 1] }
    for (const version of [4, 5]) expect(await add(version, [asked])).toEqual([['NONE', 'TRANSACTION_ABORTABLE']])
    expect(await add(5, [{ ...asked, transactionalId: 'none', partitions: [0] }])).toEqual([
      ['INVALID_PRODUCER_ID_MAPPING'],
    ])
    const { transactionStates } = await client.call(DescribeTransactions, 0, { transactionalIds: ['asks'] })
    expect(transactionStates[0]?.topics).toEqual([{ topic: 'u', partitions: [0] }])
    await end(producer, false)
  })
})

describe('TxnOffsetCommit', () => {
  it('statement 34: of a group that was not announced is refused in the words of the version; 5 announces it', async () => {
    const producer = await init('offsets')
    expect(await commitOffset(producer, 3)).toBe('INVALID_TXN_STATE')
    expect(await commitOffset(producer, 4)).toBe('TRANSACTION_ABORTABLE')
    expect(await commitOffset(producer, 5)).toBe('NONE')
    expect(await stableOffset('g')).toBe('UNSTABLE_OFFSET_COMMIT -1')
    expect(await end(producer, true)).toBe('NONE 1')
    expect(await stableOffset('g')).toBe('NONE 7')
  })

  it('statement 34: an abort drops the offsets; the group goes on as it was', async () => {
    const producer = await init('dropped')
    await commitOffset(producer, 5, { groupId: 'dropped' })
    expect(await end(producer, false)).toBe('NONE 1')
    expect(await stableOffset('dropped')).toBe('NONE -1')
  })

  it('statement 34: judges the producer before generation and member', async () => {
    const producer = await init('judged')
    const stranger = { generationId: 3, memberId: 'm', groupId: 'judged' }
    expect(await commitOffset({ ...producer, producerEpoch: 9 }, 5, stranger)).toBe('INVALID_PRODUCER_EPOCH')
    expect(await commitOffset(producer, 5, stranger)).toBe('ILLEGAL_GENERATION')
    expect(await commitOffset(producer, 5, { groupId: 'g', generationId: 3, memberId: 'm' })).toBe('UNKNOWN_MEMBER_ID')
    expect(await commitOffset(producer, 5, { groupId: '' })).toBe('INVALID_GROUP_ID')
    const nowhere = [{ partitionIndex: 99, committedOffset: 7, committedMetadata: null }]
    for (const name of ['t', 'no']) {
      const topics = [{ name, partitions: nowhere }]
      expect(await commitOffset(producer, 5, { topics })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    }
    await end(producer, false)
  })

  it('statement 35: does not overwrite what was committed after it', async () => {
    const producer = await init('late')
    await commitOffset(producer, 5, { groupId: 'late' })
    await client.call(OffsetCommit, 7, {
      groupId: 'late',
      memberId: '',
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 50, committedMetadata: null }] }],
    })
    await end(producer, true)
    expect(await stableOffset('late')).toBe('NONE 50')
  })

  it('statement 34: AddOffsetsToTxn announces a group as well', async () => {
    const producer = await init('announced')
    const { errorCode } = await client.call(AddOffsetsToTxn, 4, { ...producer, groupId: 'announced' })
    expect(errorCode).toBe(0)
    expect(await commitOffset(producer, 4, { groupId: 'announced' })).toBe('NONE')
    expect(await end(producer, true, 4)).toBe('NONE -1')
    expect(await stableOffset('announced')).toBe('NONE 7')
  })
})

describe('statement 36: looking at transactions', () => {
  const list = async (version: number, filter: object) => {
    const request = { stateFilters: [], producerIdFilters: [], ...filter }
    const answer = await client.call(ListTransactions, version, request)
    const ids = answer.transactionStates.map(({ transactionalId }) => transactionalId)
    return { error: nameOf(answer.errorCode), unknown: answer.unknownStateFilters, ids }
  }

  it('lists by state, producer, duration and pattern', async () => {
    const producer = await init('look-1')
    await init('look-2')
    await produce(producer, { topic: 'v' })
    const only = { error: 'NONE', unknown: [], ids: ['look-1'] }
    expect(await list(1, { producerIdFilters: [producer.producerId] })).toEqual(only)
    const states = ['Ongoing', 'Strange', 'PrepareEpochFence', 'Dead']
    const byState = await list(1, { stateFilters: states, producerIdFilters: [producer.producerId] })
    expect(byState).toEqual({ ...only, unknown: ['Strange'] })
    expect((await list(1, { durationFilter: 3_600_000 })).ids).not.toContain('look-1')
    expect((await list(2, { transactionalIdPattern: 'look-\\d' })).ids).toEqual(['look-1', 'look-2'])
    expect((await list(2, { transactionalIdPattern: 'look' })).ids).toEqual([])
    expect((await list(2, { transactionalIdPattern: '' })).ids).toContain('look-1')
    for (const pattern of ['(', '(?=a)']) {
      expect((await list(2, { transactionalIdPattern: pattern })).error).toBe('INVALID_REGULAR_EXPRESSION')
    }
    await end(producer, true)
  })

  it('takes no longer for a pattern that an engine with backtracking would never finish', async () => {
    await init(`${'a'.repeat(200)}!`)
    expect((await list(2, { transactionalIdPattern: '(a+)+' })).ids).toEqual([])
  })

  it('describes a transaction while it runs and after it; nothing of an unknown id', async () => {
    const producer = await init('shown')
    await produce(producer, { topic: 'v', partition: 1 })
    const shown = async () =>
      (await client.call(DescribeTransactions, 0, { transactionalIds: ['shown', 'nobody', ''] })).transactionStates
    const [running, unknown, invalid] = await shown()
    expect(running).toMatchObject({
      errorCode: 0,
      transactionState: 'Ongoing',
      transactionTimeoutMs: 60_000,
      topics: [{ topic: 'v', partitions: [1] }],
    })
    expect([nameOf(unknown?.errorCode), nameOf(invalid?.errorCode)]).toEqual([
      'TRANSACTIONAL_ID_NOT_FOUND',
      'INVALID_REQUEST',
    ])
    await end(producer, true)
    expect((await shown())[0]).toMatchObject({
      transactionState: 'CompleteCommit',
      transactionStartTimeMs: running?.transactionStartTimeMs,
      producerEpoch: 1,
      topics: [],
    })
  })
})

describe('a transaction that hangs', () => {
  it('statements 26 and 36: is found on its partition and cleared by a marker', async () => {
    const lenient = await startBroker({ memory: true, config: { 'transaction.partition.verification.enable': false } })
    const by = new WireClient(lenient)
    await createTopics(by)
    const producer = await init('hanging', by)
    // Without verification an old client may write what its transaction does not know, and so never ends.
    expect(await produce(producer, { version: 9 }, by)).toBe('NONE')
    const [found] = (await by.call(DescribeProducers, 0, { topics: [{ name: 't', partitionIndexes: [0] }] })).topics
    const { producerId, producerEpoch } = producer
    expect(found?.partitions[0]?.activeProducers).toMatchObject([
      { producerId, producerEpoch, lastSequence: 0, currentTxnStartOffset: 0, coordinatorEpoch: -1 },
    ])
    expect(await endOffset('t', 1, by)).toBe(0)
    const marker = { producerId, producerEpoch, transactionResult: false, coordinatorEpoch: 0 }
    // What an old client says about offsets is verified all the same.
    const offsets = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] }]
    const committed = await by.call(TxnOffsetCommit, 2, { ...producer, groupId: 'g', topics: offsets })
    expect(nameOf(committed.topics[0]?.partitions[0]?.errorCode)).toBe('INVALID_TXN_STATE')
    const topics = ['t', '__consumer_offsets'].map((name) => ({ name, partitionIndexes: [0] }))
    const { markers } = await by.call(WriteTxnMarkers, 1, { markers: [{ ...marker, topics }] })
    expect(markers[0]?.topics.map(({ partitions }) => nameOf(partitions[0]?.errorCode))).toEqual([
      'NONE',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    expect(await endOffset('t', 1, by)).toBe(2)
    by.close()
    await lenient.close()
  })
})
