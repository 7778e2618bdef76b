import { describe, expect, it } from 'vitest'
import { InMemoryKafka } from './in-memory-kafka.ts'

const topic = 'events'

async function opened(): Promise<InMemoryKafka> {
  const kafka = new InMemoryKafka()
  await kafka.ensureTopics([{ name: topic, partitions: 2 }])
  return kafka
}

function write(...values: readonly string[]) {
  return { topic, partition: 0, records: values.map((value) => ({ key: Buffer.from('k'), value: Buffer.from(value) })) }
}

async function valuesOf(kafka: InMemoryKafka, isolation: 'committed' | 'uncommitted') {
  const reader = kafka.openPartitionReader({ topic, partition: 0, fromOffset: 0, isolation })
  const { records, position, endOffset } = await reader.next({ maxWaitMs: 0 })
  await reader.close()
  return { values: records.map(({ value }) => value?.toString()), position, endOffset }
}

describe('the in-memory Kafka', () => {
  it('creates each topic once and describes what is there', async () => {
    const kafka = await opened()
    expect(await kafka.ensureTopics([{ name: topic, partitions: 9 }])).toEqual([])
    expect(await kafka.describeTopics([topic, 'none'])).toEqual([{ name: topic, partitions: 2, configs: {} }])
    await expect(kafka.endOffsets('none', 'committed')).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })

  it('gives a transaction’s marker an offset of its own', async () => {
    const kafka = await opened()
    const producer = await kafka.openTransactionalProducer({ transactionalId: 't', transactionTimeoutMs: 1000 })
    expect(await producer.commit([write('a', 'b')])).toEqual({ kind: 'committed', baseOffsets: [0] })
    expect(await producer.commit([write('c')])).toEqual({ kind: 'committed', baseOffsets: [3] })
    expect(await valuesOf(kafka, 'committed')).toEqual({ values: ['a', 'b', 'c'], position: 5, endOffset: 5 })
  })

  it('holds back what follows an open transaction, and hides what was aborted', async () => {
    const kafka = await opened()
    const open = kafka.log.openTransaction([write('lost')])
    kafka.log.append(write('later'))
    expect(await valuesOf(kafka, 'committed')).toEqual({ values: [], position: 0, endOffset: 0 })
    expect((await valuesOf(kafka, 'uncommitted')).values).toEqual(['lost', 'later'])
    open.decide('aborted')
    expect(await valuesOf(kafka, 'committed')).toEqual({ values: ['later'], position: 3, endOffset: 3 })
  })

  it('fences the producer before and aborts what it left open', async () => {
    const kafka = await opened()
    const options = { transactionalId: 't', transactionTimeoutMs: 1000 }
    const first = await kafka.openTransactionalProducer(options)
    kafka.log.commitFaults.push('lose-request')
    expect((await first.commit([write('a')])).kind).toBe('unknown')
    expect((await valuesOf(kafka, 'committed')).endOffset).toBe(0)
    const second = await new InMemoryKafka(kafka.log).openTransactionalProducer(options)
    expect(second.producerEpoch).toBe(first.producerEpoch + 1)
    expect((await first.commit([write('b')])).kind).toBe('fenced')
    expect(await valuesOf(kafka, 'committed')).toEqual({ values: [], position: 2, endOffset: 2 })
  })

  it.each([
    ['abort', 'aborted', []],
    ['fence', 'fenced', []],
    ['lose-answer', 'unknown', ['a']],
  ] as const)('plays the fault %s', async (fault, kind, values) => {
    const kafka = await opened()
    const producer = await kafka.openTransactionalProducer({ transactionalId: 't', transactionTimeoutMs: 1000 })
    kafka.log.commitFaults.push(fault)
    expect((await producer.commit([write('a')])).kind).toBe(kind)
    expect((await valuesOf(kafka, 'committed')).values).toEqual(values)
  })

  it('wakes a waiting reader, refuses offsets that are gone, and ends with its client', async () => {
    const kafka = await opened()
    const reader = kafka.openPartitionReader({ topic, partition: 0, fromOffset: 0, isolation: 'committed' })
    const next = reader.next({ maxWaitMs: 10_000 })
    setTimeout(() => kafka.log.append(write('a', 'b')), 5)
    expect((await next).records).toHaveLength(2)
    kafka.log.partition(topic, 0).deleteBefore(1)
    const late = kafka.openPartitionReader({ topic, partition: 0, fromOffset: 0, isolation: 'committed' })
    await expect(late.next()).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', retriable: false })
    const waiting = reader.next({ maxWaitMs: 10_000 })
    await kafka.close()
    await expect(waiting).rejects.toMatchObject({ code: 'KAFKA_CLIENT_CLOSED' })
  })

  it('bounds a fetch by bytes', async () => {
    const kafka = await opened()
    kafka.log.append(write('aaaa', 'bbbb', 'cccc'))
    const bounds = { topic, partition: 0, fromOffset: 0, isolation: 'committed', maxBytes: 6 } as const
    const reader = kafka.openPartitionReader(bounds)
    expect(await reader.next()).toMatchObject({ position: 2, endOffset: 3 })
    expect(await reader.next()).toMatchObject({ position: 3 })
  })
})
