import {
  ApiVersions,
  buildRecordBatch,
  CreateTopics,
  decodeApiVersionsResponse,
  decodeResponse,
  Fetch,
  Heartbeat,
  KafkaError,
  Metadata,
  Produce,
  type RequestInput,
} from '@keyfold/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type LogLine, logTo } from '../log.ts'
import type { RunningBroker } from '../running-broker.ts'
import { WireClient } from '../testing/wire-client.ts'
import { startBroker } from './start-broker.ts'

let broker: RunningBroker
const lines: LogLine[] = []
const clients: WireClient[] = []

beforeAll(async () => {
  const config = { 'socket.request.max.bytes': 100_000, 'max.connections.per.ip': 20, 'keyfold.frame.deadline.ms': 200 }
  broker = await startBroker({ memory: true, config, log: logTo((line) => lines.push(line)) })
})

afterEach(() => {
  for (const client of clients.splice(0)) client.close()
  lines.length = 0
})

afterAll(() => broker.close())

function newClient(): WireClient {
  const client = new WireClient(broker)
  clients.push(client)
  return client
}

const metadataOfNone = { topics: [] }

async function createTopic(client: WireClient, name: string): Promise<void> {
  const topic = { name, numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] }
  const { topics } = await client.call(CreateTopics, 7, { topics: [topic] })
  expect(topics[0]?.errorCode).toBe(KafkaError.NONE.code)
}

function produceRequest(topic: string, values: string[], acks = -1): RequestInput<typeof Produce> {
  const records = buildRecordBatch({ records: values.map((value) => ({ key: null, value: Buffer.from(value) })) })
  return { acks, timeoutMs: 1000, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }] }
}

function fetchRequest(topic: string, fetchOffset: number, maxWaitMs: number): RequestInput<typeof Fetch> {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }]
  return { maxWaitMs, minBytes: 1, maxBytes: 1_000_000, topics: [{ topic, partitions }] }
}

describe('pipelined requests', () => {
  it('B21: are answered in their order, each with its correlation id', async () => {
    const client = newClient()
    await createTopic(client, 'order')
    const sent = [
      client.send(Fetch, 11, fetchRequest('order', 0, 150)),
      client.send(Metadata, 6, metadataOfNone),
      client.send(Heartbeat, 3, { groupId: 'g', generationId: 1, memberId: 'm' }),
      client.send(Metadata, 6, metadataOfNone),
    ]
    const received: number[] = []
    for (const _ of sent) received.push((await client.next())?.readInt32BE(0) ?? -1)
    expect(received).toEqual(sent)
  })

  it('keep the order of what they produce', async () => {
    const client = newClient()
    await createTopic(client, 'pipeline')
    for (let index = 0; index < 100; index++) client.send(Produce, 7, produceRequest('pipeline', [`${index}`]))
    for (let index = 0; index < 100; index++) {
      const frame = await client.next()
      expect(frame).toBeDefined()
      if (frame === undefined) break
      const { responses } = decodeResponse(Produce, 7, frame.subarray(4))
      expect(responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: index })
    }
  })

  it('statement 38: a waiting fetch is answered when something is produced on another connection', async () => {
    const [reader, writer] = [newClient(), newClient()]
    await createTopic(reader, 'wake')
    const fetched = reader.call(Fetch, 11, fetchRequest('wake', 0, 10_000))
    await writer.call(Produce, 7, produceRequest('wake', ['now']))
    const { responses } = await fetched
    expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 })
    expect(responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(0)
  })

  it('statement 42: an offset out of range is answered at once', async () => {
    const client = newClient()
    await createTopic(client, 'range')
    const { responses } = await client.call(Fetch, 11, fetchRequest('range', 5, 10_000))
    expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: 1, highWatermark: -1, logStartOffset: -1 })
  })
})

describe('acks=0', () => {
  it('is not answered; an error ends the connection', async () => {
    const client = newClient()
    await createTopic(client, 'silent')
    client.send(Produce, 7, produceRequest('silent', ['x'], 0))
    const after = client.send(Metadata, 6, metadataOfNone)
    expect((await client.next())?.readInt32BE(0)).toBe(after)
    client.send(Produce, 7, produceRequest('unknown-topic', ['x'], 0))
    expect(await client.next()).toBeUndefined()
  })
})

describe('versions', () => {
  it('ApiVersions in an unknown version is answered in version 0 (KIP-511)', async () => {
    const client = newClient()
    const request = Buffer.from([0, 18, 0, 99, 0, 0, 0, 5, 0xff, 0xff, 0])
    client.socket.write(Buffer.concat([Buffer.from([0, 0, 0, request.length]), request]))
    const frame = await client.next()
    expect(frame?.readInt32BE(0)).toBe(5)
    const answer = decodeApiVersionsResponse(0, frame?.subarray(4) ?? Buffer.alloc(0))
    expect(answer.errorCode).toBe(KafkaError.UNSUPPORTED_VERSION.code)
    expect(answer.apiKeys).toEqual([{ apiKey: 18, minVersion: 0, maxVersion: 4 }])
  })

  it('names of client software have a form', async () => {
    const client = newClient()
    const good = { clientSoftwareName: 'wire-client', clientSoftwareVersion: '1.0' }
    expect((await client.call(ApiVersions, 3, good)).errorCode).toBe(0)
    const bad = { clientSoftwareName: '-wire-', clientSoftwareVersion: '1.0' }
    expect((await client.call(ApiVersions, 3, bad)).errorCode).toBe(KafkaError.INVALID_REQUEST.code)
  })

  it('any other unknown version, and an unknown API, ends the connection', async () => {
    for (const [key, version] of [
      [3, 99],
      [4, 0],
      [999, 0],
    ] as const) {
      const client = newClient()
      const request = Buffer.from([key >> 8, key & 255, 0, version, 0, 0, 0, 5, 0xff, 0xff, 0])
      client.socket.write(Buffer.concat([Buffer.from([0, 0, 0, request.length]), request]))
      expect(await client.next()).toBeUndefined()
    }
    expect(lines.filter(({ event }) => event === 'connection.closed')).toHaveLength(3)
  })

  it('Produce 0 to 2 is announced and ends the connection, as in Apache Kafka 4.3', async () => {
    for (const version of [0, 1, 2]) {
      const client = newClient()
      const noTopics = Buffer.from([0, 1, 0, 0, 0, 100, 0, 0, 0, 0])
      const header = Buffer.from([0, 0, 0, version, 0, 0, 0, 5, 0xff, 0xff])
      client.socket.write(Buffer.concat([Buffer.from([0, 0, 0, header.length + noTopics.length]), header, noTopics]))
      expect(await client.next()).toBeUndefined()
      expect(lines.at(-1)?.fields.reason).toBe(`Produce version ${version} is not served`)
    }
  })
})

describe('bad input', () => {
  it.each([
    ['a frame that is too large', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a body that ends early', Buffer.from([0, 0, 0, 12, 0, 3, 0, 6, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff])],
    ['a count without items', Buffer.from([0, 0, 0, 14, 0, 3, 0, 6, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff])],
  ])('%s ends that connection with one log line, and no other', async (_, bytes) => {
    const [bad, good] = [newClient(), newClient()]
    bad.socket.write(bytes)
    expect(await bad.next()).toBeUndefined()
    expect(lines).toMatchObject([{ level: 'warn', event: 'connection.closed' }])
    expect((await good.call(Metadata, 6, metadataOfNone)).clusterId).toBe(broker.clusterId)
  })

  it('a request that trickles in is given up after the deadline', async () => {
    const client = newClient()
    client.socket.write(Buffer.from([0, 0, 0, 100, 0, 3]))
    expect(await client.next()).toBeUndefined()
    expect(lines[0]?.fields.reason).toContain('not complete')
  })

  it('one address cannot take all connections', async () => {
    const many = Array.from({ length: 25 }, () => newClient())
    await expect.poll(() => many.filter(({ isClosed }) => isClosed).length).toBe(5)
    expect((await (many[0] ?? newClient()).call(Metadata, 6, metadataOfNone)).errorCode).toBe(0)
  })
})
