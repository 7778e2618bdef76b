import {
  ApiVersions,
  buildRecordBatch,
  ConsumerGroupHeartbeat,
  CreateTopics,
  Fetch,
  OffsetCommit,
  Produce,
} from '@keyfold/protocol'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { metrics as allMetrics } from '../observability/metric-table.ts'
import type { RunningBroker } from '../running-broker.ts'
import { ObservedBroker } from '../testing/observed-broker.ts'
import { type ParsedMetric, parsePrometheusText } from '../testing/prometheus-text.ts'
import { WireClient } from '../testing/wire-client.ts'
import { Listener } from './listener.ts'
import { startBroker } from './start-broker.ts'
import { startBrokerWorker } from './start-broker-worker.ts'

const opened: ObservedBroker[] = []

afterEach(async () => {
  for (const world of opened.splice(0)) await world.close()
})

async function observed(options: Parameters<typeof ObservedBroker.open>[0] = {}): Promise<ObservedBroker> {
  const world = await ObservedBroker.open(options)
  opened.push(world)
  return world
}

type Scrape = Map<string, ParsedMetric>

async function scrape(address: string | undefined): Promise<Scrape> {
  const response = await fetch(`http://${address}/metrics`)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return parsePrometheusText(await response.text())
}

function valueOf(metrics: Scrape, name: string, key = ''): number | undefined {
  return metrics.get(name)?.samples.get(key)
}

describe('a broker with metrics', () => {
  let broker: RunningBroker
  let client: WireClient

  beforeAll(async () => {
    broker = await startBroker({ memory: true, metricsPort: 0 })
    client = new WireClient(broker)
    await client.call(CreateTopics, 7, { topics: ['orders', 'pay'].map((name) => newTopic(name)) })
    await produce(client, ['a', 'b', 'c'])
    await produce(client, ['x'], { topic: 'missing' })
    await commit(client, 'billing', 1)
    const member = { groupId: 'shipping', memberId: 'm', subscribedTopicNames: ['pay'], topicPartitions: [] }
    const joined = await client.call(ConsumerGroupHeartbeat, 1, { ...member, memberEpoch: 0, rebalanceTimeoutMs: 9000 })
    await produce(client, ['p', 'q', 'r'], { topic: 'pay' })
    await commit(client, 'shipping', 2, { topic: 'pay', memberId: 'm', epoch: joined.memberEpoch, version: 9 })
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
    const topics = [{ topic: 'pay', partitions }]
    await client.call(Fetch, 12, { maxWaitMs: 1, minBytes: 1_000_000, maxBytes: 1000, sessionEpoch: 0, topics })
  })

  afterAll(async () => {
    client.close()
    await broker.close()
  })

  it('counts requests, bytes and errors by API', async () => {
    const metrics = await scrape(broker.metricsAddress)
    const produced = valueOf(metrics, 'keyfold_broker_requests_total', 'api="Produce"')
    expect(produced).toBeGreaterThanOrEqual(3)
    const error = 'api="Produce",error="UNKNOWN_TOPIC_OR_PARTITION"'
    expect(valueOf(metrics, 'keyfold_broker_request_errors_total', error)).toBe(1)
    expect(valueOf(metrics, 'keyfold_broker_request_duration_seconds', '_countapi="Produce"')).toBe(produced)
    expect(valueOf(metrics, 'keyfold_broker_request_bytes_total', 'api="Produce"')).toBeGreaterThan(3 * 61)
    expect(valueOf(metrics, 'keyfold_broker_response_bytes_total', 'api="Produce"')).toBeGreaterThan(50)
    expect(valueOf(metrics, 'keyfold_broker_connections')).toBe(1)
  })

  it('counts what one sync of the journal carries', async () => {
    const before = await scrape(broker.metricsAddress)
    await produce(client, ['d', 'e'])
    const after = await scrape(broker.metricsAddress)
    const grown = (name: string, key: string) => (valueOf(after, name, key) ?? 0) - (valueOf(before, name, key) ?? 0)
    expect(grown('keyfold_broker_journal_block_records', '_sum')).toBe(2)
    expect(grown('keyfold_broker_journal_block_entries', '_sum')).toBe(1)
    expect(grown('keyfold_broker_journal_block_bytes', '_sum')).toBe(4096)
    expect(grown('keyfold_broker_journal_sync_seconds', '_count')).toBe(1)
  })

  it('shows sizes and offsets of every log, and the lag of a group without members', async () => {
    const metrics = await scrape(broker.metricsAddress)
    const at = 'topic="orders",partition="0"'
    const end = valueOf(metrics, 'keyfold_broker_partition_log_end_offset', at) ?? 0
    expect(end).toBeGreaterThanOrEqual(3)
    expect(valueOf(metrics, 'keyfold_broker_partition_log_start_offset', at)).toBe(0)
    expect(valueOf(metrics, 'keyfold_broker_partition_high_watermark', at)).toBe(end)
    expect(valueOf(metrics, 'keyfold_broker_partition_last_stable_offset', at)).toBe(end)
    expect(valueOf(metrics, 'keyfold_broker_topic_log_bytes', 'topic="orders"')).toBeGreaterThan(61)
    expect(valueOf(metrics, 'keyfold_broker_group_partition_lag_records', `group="billing",${at}`)).toBe(end - 1)
    expect(valueOf(metrics, 'keyfold_broker_group_lag_records', 'group="billing"')).toBe(end - 1)
    expect(valueOf(metrics, 'keyfold_broker_groups', 'protocol="classic",state="Empty"')).toBe(1)
    expect(valueOf(metrics, 'keyfold_broker_partitions')).toBe(2)
  })

  it('shows groups of the consumer protocol (KIP-848) with their lag', async () => {
    const metrics = await scrape(broker.metricsAddress)
    expect(valueOf(metrics, 'keyfold_broker_groups', 'protocol="consumer",state="Stable"')).toBe(1)
    expect(valueOf(metrics, 'keyfold_broker_group_members', 'group="shipping"')).toBe(1)
    expect(valueOf(metrics, 'keyfold_broker_group_lag_records', 'group="shipping"')).toBe(1)
  })

  it('knows fetches that waited, and their sessions', async () => {
    const metrics = await scrape(broker.metricsAddress)
    expect(valueOf(metrics, 'keyfold_broker_fetch_wait_seconds', '_count')).toBe(1)
    expect(valueOf(metrics, 'keyfold_broker_fetch_read_seconds', '_count')).toBe(1)
    expect(valueOf(metrics, 'keyfold_broker_fetch_sessions')).toBe(1)
  })

  it('has nothing that its table does not have, and but for two metrics all of it', async () => {
    const metrics = await scrape(broker.metricsAddress)
    const names = allMetrics.map(([name]) => name)
    expect([...metrics.keys()].filter((name) => !names.some((known) => known === name))).toEqual([])
    expect(names.filter((name) => !metrics.has(name))).toEqual([
      'keyfold_broker_partition_last_stable_age_seconds',
      'keyfold_broker_omitted_series',
    ])
    for (const [name, definition] of allMetrics) {
      const parsed = metrics.get(name)
      if (parsed !== undefined) expect([name, parsed.type]).toEqual([name, definition.type])
    }
  })

  it('answers GET and HEAD of three paths, and refuses the rest', async () => {
    const base = `http://${broker.metricsAddress}`
    const status = async (path: string, method = 'GET') => (await fetch(base + path, { method })).status
    expect(await status('/metrics?name=x')).toBe(200)
    expect(await status('/health')).toBe(200)
    expect(await status('/ready', 'HEAD')).toBe(200)
    expect(await status('/metrics', 'POST')).toBe(405)
    expect(await status('/ready', 'DELETE')).toBe(405)
    expect(await status('/')).toBe(404)
    expect(await status('/constructor')).toBe(404)
    const head = await fetch(`${base}/metrics`, { method: 'HEAD' })
    expect([await head.text(), Number(head.headers.get('content-length')) > 1000]).toEqual(['', true])
    expect((await fetch(`${base}/metrics`, { method: 'PUT' })).headers.get('allow')).toBe('GET, HEAD')
  })

  it('does not read what is no small request', async () => {
    const [host = '', port = ''] = (broker.metricsAddress ?? '').split(':')
    for (const [text, answer] of [
      [`GET /health HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
      ['not http\r\n\r\n', /^HTTP\/1\.1 400 /],
      [
        `POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n`,
        /^HTTP\/1\.1 405 .*connection: close/is,
      ],
    ] as const) {
      expect(await rawAnswer({ host, port: Number(port) }, text)).toMatch(answer)
    }
    expect((await fetch(`http://${broker.metricsAddress}/health`)).status).toBe(200)
  })
})

describe('open transactions', () => {
  it('show their age, and that of the last stable offset that they hold', async () => {
    const world = await observed()
    const { broker, clock } = world
    const { transactions, storage } = broker
    await storage.durable(newLog(broker, 't'))
    const nowMs = clock.steady()
    const { producerId, producerEpoch } = transactions.initProducerId({
      transactionalId: 'x',
      timeoutMs: 60_000,
      nowMs,
    })
    const partitions = [{ topic: 't', partition: 0 }]
    transactions.addPartitions({ transactionalId: 'x', producerId, producerEpoch, nowMs, partitions })
    const record = { key: null, value: Buffer.from('v') }
    const batch = buildRecordBatch({
      records: [record],
      producerId,
      producerEpoch,
      baseSequence: 0,
      isTransactional: true,
    })
    broker.partitions.get('t', 0)?.append({ batch, nowMs, isTransactionVerified: true })
    await storage.durable(storage.lastLsn)
    clock.pass(500)
    const metrics = await scrape(world.observation.address)
    expect(valueOf(metrics, 'keyfold_broker_open_transactions')).toBe(1)
    expect(valueOf(metrics, 'keyfold_broker_oldest_open_transaction_age_seconds')).toBe(0.5)
    const at = 'topic="t",partition="0"'
    expect(valueOf(metrics, 'keyfold_broker_partition_last_stable_age_seconds', at)).toBe(0.5)
    expect(valueOf(metrics, 'keyfold_broker_last_stable_age_seconds')).toBe(0.5)
    clock.pass(61_000)
    await storage.durable(storage.lastLsn)
    const later = await scrape(world.observation.address)
    expect(valueOf(later, 'keyfold_broker_open_transactions')).toBe(0)
    expect(valueOf(later, 'keyfold_broker_transactions_timed_out_total')).toBe(1)
    expect(valueOf(later, 'keyfold_broker_last_stable_age_seconds')).toBe(0)
    const fields = { transactionalId: 'x', producerId, producerEpoch, openMs: 61_000, timeoutMs: 60_000 }
    const logged = world.lines.filter(({ event }) => event === 'transaction.timed-out')
    expect(logged).toMatchObject([{ level: 'warn', fields }])
  })

  it('that a crash cut short are aborted and logged at the next start', async () => {
    const { broker, files, clock } = await observed()
    const nowMs = clock.steady()
    await broker.storage.durable(newLog(broker, 't'))
    const producer = broker.transactions.initProducerId({ transactionalId: 'x', timeoutMs: 60_000, nowMs })
    const partitions = [{ topic: 't', partition: 0 }]
    const { lsn } = broker.transactions.addPartitions({ transactionalId: 'x', ...producer, nowMs, partitions })
    await broker.storage.durable(lsn)
    const { lines } = await observed({ files: files.crash() })
    const logged = lines.filter(({ event }) => event.startsWith('transactions.'))
    expect(logged).toEqual([{ level: 'info', event: 'transactions.aborted-at-start', fields: { transactions: 1 } }])
  })
})

describe('retention', () => {
  it('says what it deleted, in a log line and in counters', async () => {
    const world = await observed()
    const { broker, clock, lines } = world
    await broker.storage.durable(newLog(broker, 'old', { 'retention.ms': '1000' }))
    const records = [{ key: null, value: Buffer.from('v') }]
    const batch = buildRecordBatch({ records, timestamp: clock.wall() })
    broker.partitions.get('old', 0)?.append({ batch, nowMs: clock.wall() })
    await broker.storage.durable(broker.storage.lastLsn)
    clock.pass(broker.config.number('log.retention.check.interval.ms'))
    const fields = { topic: 'old', partition: 0, segments: 1, bytes: batch.length, logStartOffset: 1 }
    expect(lines.filter(({ event }) => event === 'retention.deleted')).toMatchObject([{ level: 'info', fields }])
    const metrics = await scrape(world.observation.address)
    expect(valueOf(metrics, 'keyfold_broker_retention_deleted_segments_total')).toBe(1)
    expect(valueOf(metrics, 'keyfold_broker_retention_deleted_bytes_total')).toBe(batch.length)
  })
})

describe('connections', () => {
  it('that nobody uses are ended, logged and counted', async () => {
    const world = await observed()
    const { broker, clock, lines } = world
    const listener = await Listener.open('127.0.0.1', 0)
    listener.serve(broker)
    const client = new WireClient({ host: '127.0.0.1', port: listener.port })
    await client.call(ApiVersions, 0, {})
    clock.pass(broker.config.number('connections.max.idle.ms'))
    expect(await client.next()).toBeUndefined()
    const logged = lines.filter(({ event }) => event === 'connection.idle')
    expect(logged).toMatchObject([{ level: 'info', fields: { clientId: 'wire' } }])
    const metrics = await scrape(world.observation.address)
    expect(valueOf(metrics, 'keyfold_broker_connections_closed_total', 'by="idle"')).toBe(1)
    expect(valueOf(metrics, 'keyfold_broker_connections')).toBe(0)
    await listener.close()
  })
})

describe('health', () => {
  it('is live but not ready while it recovers, and when it closes', async () => {
    const world = await observed({ isServing: false })
    expect(await world.report('/health')).toEqual([200, 'ok', []])
    expect(await world.report('/ready')).toEqual([503, 'failing', ['RECOVERING']])
    expect(valueOf(await scrape(world.observation.address), 'keyfold_broker_ready')).toBe(0)
    world.observation.serves(world.broker)
    expect(await world.report('/ready')).toEqual([200, 'ok', []])
    world.observation.ends(undefined)
    expect(await world.report('/health')).toEqual([200, 'ok', []])
    expect(await world.report('/ready')).toEqual([503, 'failing', ['SHUTTING_DOWN']])
  })

  it('is neither after a failed sync', async () => {
    const world = await observed()
    world.files.failNext('fdatasync', new Error('EIO'), '0000000001.journal')
    const lsn = newLog(world.broker, 't')
    await expect(world.broker.storage.durable(lsn)).rejects.toThrow('EIO')
    expect(await world.report('/health')).toEqual([503, 'failing', ['STORAGE_FAILED']])
    expect(await world.report('/ready')).toEqual([503, 'failing', ['STORAGE_FAILED']])
    expect(valueOf(await scrape(world.observation.address), 'keyfold_broker_accepts_writes')).toBe(0)
  })
})

describe('where it listens', () => {
  it('is nowhere unless asked for', async () => {
    const broker = await startBroker({ memory: true })
    expect(broker.metricsAddress).toBeUndefined()
    await broker.close()
  })

  it('is this machine only, and after the broker is closed nowhere', async () => {
    const broker = await startBroker({ memory: true, metricsPort: 0 })
    expect(broker.metricsAddress).toMatch(/^127\.0\.0\.1:\d+$/)
    await broker.close()
    await expect(fetch(`http://${broker.metricsAddress}/health`)).rejects.toThrow()
  })

  it('is the thread of the broker, where it has one', async () => {
    const broker = await startBrokerWorker({ memory: true, metricsPort: 0 })
    const metrics = await scrape(broker.metricsAddress)
    expect(valueOf(metrics, 'keyfold_broker_ready')).toBe(1)
    await broker.close()
  })

  it('is a port that nobody else has', async () => {
    const first = await startBroker({ memory: true, metricsPort: 0 })
    const metricsPort = Number(first.metricsAddress?.split(':')[1])
    await expect(startBroker({ memory: true, metricsPort })).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    await first.close()
    const again = await startBroker({ memory: true, metricsPort })
    await again.close()
  })
})

function newLog({ catalog }: ObservedBroker['broker'], name: string, configs: Record<string, string> = {}): number {
  return catalog.create({ name, partitionCount: 1, configs: new Map(Object.entries(configs)) })
}

function newTopic(name: string) {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
}

async function produce(by: WireClient, values: readonly string[], { topic = 'orders' } = {}): Promise<void> {
  const records = buildRecordBatch({ records: values.map((value) => ({ key: null, value: Buffer.from(value) })) })
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
  await by.call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
}

interface Committer {
  topic?: string
  memberId?: string
  epoch?: number
  version?: number
}

async function commit(by: WireClient, groupId: string, offset: number, committer: Committer = {}): Promise<void> {
  const { topic = 'orders', memberId = '', epoch = -1, version = 7 } = committer
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }]
  const request = { groupId, memberId, generationIdOrMemberEpoch: epoch, topics: [{ name: topic, partitions }] }
  const { topics } = await by.call(OffsetCommit, version, request)
  expect(topics[0]?.partitions[0]?.errorCode).toBe(0)
}

function rawAnswer({ host, port }: { host: string; port: number }, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, host, () => socket.write(text))
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}
