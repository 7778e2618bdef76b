import { connectKafka } from '@keyfold/kafka'
import { InMemoryKafka, startTestBroker } from '@keyfold/testing'
import { describe, expect, it, vi } from 'vitest'
import type { LogRecord } from '../state/schema-record.ts'
import { KafkaSchemaLog } from './kafka-schema-log.ts'
import { schemaLogContract } from './schema-log.contract.ts'

schemaLogContract('KafkaSchemaLog on a cluster in memory', () => {
  const kafka = new InMemoryKafka()
  return Promise.resolve({ newLog: () => new KafkaSchemaLog({ client: kafka }), close: () => kafka.close() })
})

schemaLogContract('KafkaSchemaLog on the bundled broker', async () => {
  const broker = await startTestBroker()
  const kafka = await connectKafka({ brokers: [broker.address], clientId: 'schema-log-test' })
  const close = async () => {
    await kafka.close()
    await broker.close()
  }
  return { newLog: () => new KafkaSchemaLog({ client: kafka }), close }
})

const cluster = process.env['KAFKA_BROKERS']
if (cluster !== undefined) {
  schemaLogContract(`KafkaSchemaLog on the cluster at ${cluster}`, async () => {
    const kafka = await connectKafka({ brokers: cluster.split(','), clientId: 'schema-log-test' })
    const topic = `keyfold.test.schemas.${crypto.randomUUID()}`
    return { newLog: () => new KafkaSchemaLog({ client: kafka, topic }), close: () => kafka.close() }
  })
}

const write = { key: Buffer.from('k'), value: Buffer.from('v') }

const self = { id: 'one', url: 'http://one' }

async function open(kafka: InMemoryKafka) {
  const log = new KafkaSchemaLog({ client: kafka })
  const records: LogRecord[] = []
  await log.open((record) => {
    if (record.value !== null) records.push(record)
  })
  await log.claim(self)
  return { log, records }
}

describe('KafkaSchemaLog', () => {
  it('makes its topic: one partition, compacted', async () => {
    const kafka = new InMemoryKafka()
    const { log } = await open(kafka)
    expect(await kafka.describeTopics(['_schemas'], ['cleanup.policy'])).toEqual([
      { name: '_schemas', partitions: 1, configs: { 'cleanup.policy': 'compact' } },
    ])
    await log.close()
  })

  it.each([
    ['would forget schemas', { partitions: 1, configs: { 'cleanup.policy': 'delete' } }, 'cleanup.policy=delete'],
    ['has several partitions', { partitions: 3, configs: { 'cleanup.policy': 'compact' } }, '3 partitions'],
  ])('refuses a topic that %s', async (_, topic, reason) => {
    const kafka = new InMemoryKafka()
    await kafka.ensureTopics([{ name: '_schemas', ...topic }])
    await expect(open(kafka)).rejects.toMatchObject({
      code: 'REGISTRY_TOPIC_UNSUITABLE',
      message: expect.stringContaining(reason),
    })
  })

  it('finds out that an append was written although the answer was lost', async () => {
    const kafka = new InMemoryKafka()
    const { log, records } = await open(kafka)
    kafka.log.commitFaults.push('lose-answer')
    const offset = await log.append([write])
    expect(records.map((record) => record.offset)).toEqual([offset])
    await log.append([write])
    await log.close()
  })

  it('finds out that an append was not written, and goes on', async () => {
    const kafka = new InMemoryKafka()
    const { log, records } = await open(kafka)
    kafka.log.commitFaults.push('lose-request')
    await expect(log.append([write])).rejects.toMatchObject({ kind: 'rejected' })
    await log.append([write])
    expect(records).toHaveLength(1)
    await log.close()
  })

  it('finds out the same when another registry has taken over meanwhile, and does not fence that one', async () => {
    const kafka = new InMemoryKafka()
    const { log } = await open(kafka)
    const other = await open(new InMemoryKafka(kafka.log))
    await other.log.claim({ id: 'two', url: 'http://two' })
    await vi.waitFor(() => expect(log.isWriter).toBe(false), 5_000)
    await expect(log.append([write])).rejects.toMatchObject({ kind: 'fenced' })
    await other.log.append([write])
    expect(other.records).toHaveLength(1)
    await log.close()
    await other.log.close()
  })

  it('does not know whether an append was written while the log cannot be asked, and writes no more', async () => {
    const kafka = new InMemoryKafka()
    const { log, records } = await open(kafka)
    kafka.log.commitFaults.push('lose-answer')
    vi.spyOn(kafka, 'openTransactionalProducer').mockRejectedValueOnce(new Error('no connection'))
    await expect(log.append([write])).rejects.toMatchObject({ kind: 'unknown', message: 'no connection' })
    expect(log.isWriter).toBe(false)
    await expect(log.append([write])).rejects.toMatchObject({ kind: 'fenced' })
    await log.claim(self)
    expect(records).toHaveLength(1)
    await log.append([write])
    expect(records).toHaveLength(2)
    await log.close()
  })

  it('leaves its name on every record, and nothing else than the two headers', async () => {
    const kafka = new InMemoryKafka()
    const { log } = await open(kafka)
    await log.append([write])
    const { records } = kafka.log.partition('_schemas', 0).read(0, 'committed', 1e6)
    const headers = { 'keyfold.writer.id': Buffer.from('one'), 'keyfold.writer.url': Buffer.from('http://one') }
    expect(records.map((record) => [record.key?.toString(), record.headers])).toEqual([
      ['{"keytype":"NOOP","magic":0}', headers],
      ['k', headers],
    ])
    await log.close()
  })

  it('says so when history is missing, and takes nothing more', async () => {
    const kafka = new InMemoryKafka()
    const { log } = await open(kafka)
    kafka.log.readFaults.push(new Error('OFFSET_OUT_OF_RANGE'))
    await vi.waitFor(() => expect(log.append([write])).rejects.toMatchObject({ kind: 'broken' }), 5_000)
    await log.close()
  })
})
