import {
  buildRecordBatch,
  CreateTopics,
  Fetch,
  KafkaError,
  Metadata,
  Produce,
  type RecordBatchInput,
  readRecords,
} from '@keyfold/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { WireClient } from '../testing/wire-client.ts'

let broker: RunningBroker
let client: WireClient
let topics = 0

beforeAll(async () => {
  broker = await startBroker({ memory: true, config: { 'socket.request.max.bytes': 100_000, 'num.partitions': 1 } })
  client = new WireClient(broker)
})

afterAll(async () => {
  client.close()
  await broker.close()
})

async function create(
  configs: Record<string, string> = {},
): Promise<{ name: string; topicId: string; errorCode: number }> {
  const name = `t${topics++}`
  const wanted = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: wanted }
  const created = (await client.call(CreateTopics, 7, { topics: [topic] })).topics[0]
  return { name, topicId: created?.topicId ?? '', errorCode: created?.errorCode ?? -1 }
}

function batchOf(value = 'v', overrides: Partial<RecordBatchInput> = {}): Buffer {
  return buildRecordBatch({ records: [{ key: null, value: Buffer.from(value) }], timestamp: Date.now(), ...overrides })
}

interface Sent {
  name: string
  index?: number
  records?: Buffer
}

async function produce(sent: Sent[], acks = -1) {
  const topicData = sent.map(({ name, index = 0, records = batchOf() }) => ({
    name,
    partitionData: [{ index, records }],
  }))
  const answer = await client.call(Produce, 9, { acks, timeoutMs: 1000, topicData })
  return answer.responses.map(({ partitionResponses }) => partitionResponses[0])
}

function nameOf(code: number | undefined): string {
  return Object.values(KafkaError).find((error) => error.code === code)?.name ?? `${code}`
}

async function errorsOf(sent: Sent[], acks?: number): Promise<string[]> {
  return (await produce(sent, acks)).map((partition) => nameOf(partition?.errorCode))
}

describe('produce', () => {
  it('statement 10: one bad partition does not fail the others; what is unknown is named so', async () => {
    const { name, topicId } = await create()
    const bad = Buffer.from(batchOf()).fill(1, 65, 67)
    expect(
      await errorsOf([{ name }, { name, index: 7 }, { name: 'nowhere' }, { name, records: bad }, { name }]),
    ).toEqual(['NONE', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION', 'CORRUPT_MESSAGE', 'NONE'])
    const byId = (id: string) => ({ topicId: id, partitionData: [{ index: 0, records: batchOf() }] })
    const topicData = [byId(topicId), byId('AAAAAAAAAAAAAAAAAAAAAQ')]
    const answer = await client.call(Produce, 13, { acks: -1, timeoutMs: 1000, topicData })
    const codes = answer.responses.map(({ partitionResponses }) => nameOf(partitionResponses[0]?.errorCode))
    expect(codes).toEqual(['NONE', 'UNKNOWN_TOPIC_ID'])
    expect(answer.responses[0]?.partitionResponses[0]).toMatchObject({
      baseOffset: 2,
      logStartOffset: 0,
      logAppendTimeMs: -1,
    })
  })

  it('statement 10: acks has to be -1, 0 or 1', async () => {
    const { name } = await create()
    expect(await errorsOf([{ name }], 2)).toEqual(['INVALID_REQUIRED_ACKS'])
    expect(await errorsOf([{ name }], 1)).toEqual(['NONE'])
  })

  it('statement 11: does not create topics; Metadata does', async () => {
    expect(await errorsOf([{ name: 'made-by-asking' }])).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
    const ask = async (allowAutoTopicCreation: boolean) => {
      const request = { topics: [{ name: 'made-by-asking' }], allowAutoTopicCreation }
      return nameOf((await client.call(Metadata, 12, request)).topics[0]?.errorCode)
    }
    expect(await ask(false)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    // Apache Kafka answers UNKNOWN_TOPIC_OR_PARTITION to the request that creates a topic, and knows it at the next one.
    expect(await ask(true)).toBe('NONE')
    expect(await errorsOf([{ name: 'made-by-asking' }])).toEqual(['NONE'])
  })

  it('statement 12: a batch is validated before it is found to be a duplicate', async () => {
    const { name } = await create()
    const records = batchOf('v', { producerId: 900, producerEpoch: 0, baseSequence: 0 })
    expect(await errorsOf([{ name, records: Buffer.from(records) }])).toEqual(['NONE'])
    const [again] = await produce([{ name, records: Buffer.from(records) }])
    expect(again).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await errorsOf([{ name, records: Buffer.from(records).fill(1, 65, 67) }])).toEqual(['CORRUPT_MESSAGE'])
  })

  it('statement 8: a request beyond socket.request.max.bytes ends its connection', async () => {
    const { name } = await create()
    const other = new WireClient(broker)
    const topicData = [{ name, partitionData: [{ index: 0, records: batchOf('x'.repeat(150_000)) }] }]
    await expect(other.call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })).rejects.toThrow('hung up')
    expect(await errorsOf([{ name }])).toEqual(['NONE'])
  })

  it('statement 9: a topic with a compression of its own stores batches in it', async () => {
    const { name } = await create({ 'compression.type': 'zstd' })
    const value = 'compressible '.repeat(100)
    expect(await errorsOf([{ name, records: batchOf(value) }])).toEqual(['NONE'])
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100_000 }]
    const fetched = await client.call(Fetch, 12, { maxWaitMs: 0, minBytes: 0, topics: [{ topic: name, partitions }] })
    const records = fetched.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0)
    expect(records.length).toBeLessThan(300)
    const { platformCompressors } = await import('../server/compressors.ts')
    const [record] = readRecords(records, 0, { compressors: platformCompressors() })
    expect(String(record?.value)).toBe(value)
  })

  it('statement 83: segments have at least a mebibyte', async () => {
    expect(nameOf((await create({ 'segment.bytes': '1048575' })).errorCode)).toBe('INVALID_CONFIG')
    expect(nameOf((await create({ 'segment.bytes': '1048576' })).errorCode)).toBe('NONE')
  })
})
