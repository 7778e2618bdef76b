import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KafkaClientOptions } from '../client-options.ts'
import { connectKafka } from '../connect-kafka.ts'
import type { Isolation, KafkaClient, PartitionWrite, RecordToWrite, StoredRecord } from '../kafka-client.ts'

export interface KafkaClientSubject {
  readonly name: string
  /** Starts what the suite runs on, or names what is running already. */
  readonly start: () => Promise<{ readonly brokers: readonly string[]; readonly stop?: () => Promise<void> }>
  /** Of the clients of the suite. */
  readonly options?: Partial<KafkaClientOptions>
}

/** What every cluster and client behind the `KafkaClient` port must do. */
export function kafkaClientContract(subject: KafkaClientSubject): void {
  describe(`a Kafka client on ${subject.name}`, () => {
    let brokers: readonly string[] = []
    let stop: (() => Promise<void>) | undefined
    let kafka: KafkaClient

    beforeAll(async () => {
      const started = await subject.start()
      brokers = started.brokers
      stop = started.stop
      kafka = await connectKafka({ ...subject.options, brokers, clientId: 'contract' })
    }, 60_000)

    afterAll(async () => {
      await kafka?.close()
      await stop?.()
    })

    async function newTopic(partitions = 2, configs: Readonly<Record<string, string>> = {}): Promise<string> {
      const name = `contract-${randomUUID()}`
      await kafka.ensureTopics([{ name, partitions, configs }])
      return name
    }

    const producerOf = (transactionalId: string = randomUUID()) =>
      kafka.openTransactionalProducer({ transactionalId, transactionTimeoutMs: 15_000 })

    async function readAll(topic: string, partition: number, isolation: Isolation, fromOffset = 0) {
      const reader = kafka.openPartitionReader({ topic, partition, fromOffset, isolation })
      const records: StoredRecord[] = []
      try {
        for (;;) {
          const batch = await reader.next({ maxWaitMs: 1_000 })
          records.push(...batch.records)
          const end = (await kafka.endOffsets(topic, isolation))[partition] ?? 0
          if (batch.position >= end) return { records, position: batch.position, end }
        }
      } finally {
        await reader.close()
      }
    }

    it('says who answers', async () => {
      const { clusterId, controllerId, nodes } = await kafka.cluster()
      expect(clusterId).not.toBe('')
      expect(nodes.map(({ nodeId }) => nodeId)).toContain(controllerId)
    })

    it('says what each node can do', async () => {
      const { nodes } = await kafka.cluster()
      const told = (await kafka.capabilities?.()) ?? []
      expect(told.map(({ nodeId }) => nodeId)).toEqual(nodes.map(({ nodeId }) => nodeId))
      for (const { apis, features, incompatible } of told) {
        expect(apis.get(apiKeys.produce)).toBeGreaterThanOrEqual(3)
        for (const { supported, finalized } of features.values()) expect(supported).toBeGreaterThanOrEqual(finalized)
        expect(incompatible).toBeUndefined()
      }
    })

    it('creates the topics that are missing and describes those that exist', async () => {
      const [first, second] = [`contract-${randomUUID()}`, `contract-${randomUUID()}`]
      const specification = { name: first, partitions: 3, configs: { 'retention.ms': '-1' } }
      expect(await kafka.ensureTopics([specification])).toEqual([first])
      expect(await kafka.ensureTopics([specification, { name: second, partitions: 1 }])).toEqual([second])
      const described = await kafka.describeTopics([first, 'contract-none'], ['retention.ms', 'cleanup.policy'])
      expect(described).toEqual([
        {
          name: first,
          partitions: 3,
          replicationFactor: expect.any(Number),
          configs: { 'retention.ms': '-1', 'cleanup.policy': 'delete' },
        },
      ])
    })

    it('refuses a topic with a bad name or setting, and says why', async () => {
      await expect(kafka.ensureTopics([{ name: 'not a name!', partitions: 1 }])).rejects.toMatchObject({
        code: 'TOPIC_REFUSED',
      })
      const bad = { name: `contract-${randomUUID()}`, partitions: 1, configs: { 'retention.ms': 'soon' } }
      await expect(kafka.ensureTopics([bad])).rejects.toMatchObject({ code: 'TOPIC_REFUSED' })
    })

    it('writes several partitions in one transaction and reads back exactly what was written', async () => {
      const topic = await newTopic()
      const producer = await producerOf()
      const records: RecordToWrite[] = [
        {
          key: text('k'),
          value: text('v'),
          headers: { a: 'ä', b: Buffer.from([0, 255]) },
          timestampMs: 1_700_000_000_000,
        },
        { key: null, value: null, timestampMs: 1_600_000_000_000 },
        { key: Buffer.alloc(0), value: Buffer.alloc(0) },
      ]
      const outcome = await producer.commit([
        { topic, partition: 1, records },
        { topic, partition: 0, records: [{ key: text('x'), value: text('y') }] },
      ])
      expect(outcome).toEqual({ kind: 'committed', baseOffsets: [0, 0] })
      const read = await readAll(topic, 1, 'committed')
      expect(read.records.slice(0, 2).map(({ headers, ...rest }) => ({ ...rest, headers }))).toEqual([
        {
          topic,
          partition: 1,
          offset: 0,
          timestampMs: 1_700_000_000_000,
          key: text('k'),
          value: text('v'),
          headers: { a: text('ä'), b: Buffer.from([0, 255]) },
        },
        { topic, partition: 1, offset: 1, timestampMs: 1_600_000_000_000, key: null, value: null, headers: {} },
      ])
      expect(read.records[2]).toMatchObject({ offset: 2, key: Buffer.alloc(0), value: Buffer.alloc(0) })
      expect(read.records).toHaveLength(3)
    })

    it('counts offsets on over transactions, and its position passes their markers', async () => {
      const topic = await newTopic(1)
      const producer = await producerOf()
      const offsets: number[] = []
      for (let index = 0; index < 5; index++) {
        const outcome = await producer.commit([write(topic, 0, `${index}`, `${index}b`)])
        if (outcome.kind === 'committed') offsets.push(...outcome.baseOffsets)
      }
      expect(offsets).toEqual([0, 3, 6, 9, 12])
      const { records, position, end } = await readAll(topic, 0, 'committed')
      expect(records.map(({ offset }) => offset)).toEqual([0, 1, 3, 4, 6, 7, 9, 10, 12, 13])
      expect([position, end]).toEqual([15, 15])
      expect(await kafka.startOffsets(topic)).toEqual([0])
    })

    it('starts at an exact offset, also in the middle of a batch', async () => {
      const topic = await newTopic(1)
      await (await producerOf()).commit([write(topic, 0, 'a', 'b', 'c', 'd')])
      const { records } = await readAll(topic, 0, 'committed', 2)
      expect(records.map(({ value }) => value?.toString())).toEqual(['c', 'd'])
    })

    it('aborts what the broker refuses, shows nothing of it, and goes on', async () => {
      const topic = await newTopic(2)
      const small = await newTopic(1, { 'max.message.bytes': '10000' })
      const producer = await producerOf()
      // A key of four zero bytes looks like an abort marker to a reader that does not look at the control bit.
      const zeroKey = { key: Buffer.alloc(4), value: text('aborted') }
      const outcome = await producer.commit([
        { topic, partition: 0, records: [zeroKey, { key: text('k'), value: text('aborted, too') }] },
        { topic: small, partition: 0, records: [{ key: null, value: Buffer.alloc(50_000) }] },
      ])
      expect(outcome.kind).toBe('aborted')
      expect(await producer.commit([write(topic, 0, 'good')])).toMatchObject({ kind: 'committed' })
      const committed = await readAll(topic, 0, 'committed')
      expect(committed.records.map(({ value }) => value?.toString())).toEqual(['good'])
      const everything = await readAll(topic, 0, 'uncommitted')
      expect(everything.records.map(({ value }) => value?.toString())).toEqual(['aborted', 'aborted, too', 'good'])
      expect((await readAll(small, 0, 'committed')).records).toEqual([])
    })

    it('refuses a write to a topic that does not exist, and goes on', async () => {
      const topic = await newTopic(1)
      const producer = await producerOf()
      expect((await producer.commit([write('contract-none', 0, 'a')])).kind).toBe('aborted')
      expect((await producer.commit([write(topic, 0, 'a')])).kind).toBe('committed')
    })

    it('fences the producer before as soon as the next one is open', async () => {
      const topic = await newTopic(1)
      const id = randomUUID()
      const first = await producerOf(id)
      expect((await first.commit([write(topic, 0, '1')])).kind).toBe('committed')
      const second = await producerOf(id)
      expect(second.producerId === first.producerId && second.producerEpoch > first.producerEpoch).toBe(true)
      expect(await first.commit([write(topic, 0, 'zombie')])).toMatchObject({
        kind: 'fenced',
        error: { code: 'PRODUCER_FENCED' },
      })
      expect((await second.commit([write(topic, 0, '2')])).kind).toBe('committed')
      expect((await first.commit([write(topic, 0, 'zombie')])).kind).toBe('fenced')
      const { records } = await readAll(topic, 0, 'committed')
      expect(records.map(({ value }) => value?.toString())).toEqual(['1', '2'])
    })

    it('opens an id whose transactions are all ended, and finds nothing forgotten', async () => {
      const topic = await newTopic()
      const options = {
        transactionalId: randomUUID(),
        transactionTimeoutMs: 15_000,
        partitions: [0, 1].map((partition) => ({ topic, partition })),
      }
      for (const value of ['a', 'b', 'c']) {
        const producer = await kafka.openTransactionalProducer(options)
        const misplaced = { ...write(topic, 1, 'misplaced'), expectedOffset: 1_000 }
        expect((await producer.commit([write(topic, 0, value)])).kind).toBe('committed')
        expect((await producer.commit([write(topic, 0, 'misplaced'), misplaced])).kind).toBe('aborted')
        if (value === 'b') expect((await producer.commit([write(topic, 1, 'e')])).kind).toBe('committed')
      }
      const { records } = await readAll(topic, 0, 'committed')
      expect(records.map(({ value }) => value?.toString())).toEqual(['a', 'b', 'c'])
    })

    it('takes one transaction at a time, and each partition once', async () => {
      const topic = await newTopic(1)
      const producer = await producerOf()
      const first = producer.commit([write(topic, 0, 'a')])
      await expect(producer.commit([write(topic, 0, 'b')])).rejects.toThrow(TypeError)
      expect((await first).kind).toBe('committed')
      await expect(producer.commit([write(topic, 0, 'a'), write(topic, 0, 'b')])).rejects.toThrow(TypeError)
      expect(await producer.commit([])).toEqual({ kind: 'committed', baseOffsets: [] })
    })

    it('hands a record to a waiting reader when it arrives, and none when none does', async () => {
      const topic = await newTopic(1)
      const producer = await producerOf()
      const reader = kafka.openPartitionReader({ topic, partition: 0, fromOffset: 0, isolation: 'committed' })
      let idle = await reader.next({ maxWaitMs: 30 })
      // A busy machine may answer too late to say where the end is.
      while (idle.endOffset === undefined) idle = await reader.next({ maxWaitMs: 30 })
      expect(idle).toEqual({ records: [], position: 0, endOffset: 0 })
      const waiting = nextRecords(() => reader.next({ maxWaitMs: 5_000 }))
      await producer.commit([write(topic, 0, 'late')])
      expect((await waiting).map(({ value }) => value?.toString())).toEqual(['late'])
      await reader.close()
    })

    it('reads more than one fetch holds, in order, and a record larger than the fetch', async () => {
      const topic = await newTopic(1)
      const producer = await producerOf()
      for (let batch = 0; batch < 10; batch++) {
        const values = Array.from({ length: 50 }, (_, index) => `${batch * 50 + index} ${'x'.repeat(200)}`)
        expect((await producer.commit([write(topic, 0, ...values)])).kind).toBe('committed')
      }
      const bounds = { topic, partition: 0, fromOffset: 0, isolation: 'committed', maxBytes: 1_000 } as const
      const reader = kafka.openPartitionReader(bounds)
      const numbers: number[] = []
      while (numbers.length < 500) {
        const { records } = await reader.next()
        numbers.push(...records.map(({ value }) => Number.parseInt(value?.toString() ?? '', 10)))
      }
      expect(numbers).toEqual(Array.from({ length: 500 }, (_, index) => index))
      await reader.close()
    })

    it('never skips history: an offset that is not stored is a fatal error', async () => {
      const topic = await newTopic(1)
      const bounds = { topic, partition: 0, fromOffset: 1_000, isolation: 'committed' } as const
      const reader = kafka.openPartitionReader(bounds)
      const refused = { code: 'OFFSET_OUT_OF_RANGE', retriable: false, details: { topic, partition: 0, offset: 1_000 } }
      await expect(reader.next()).rejects.toMatchObject(refused)
      await expect(reader.next()).rejects.toMatchObject(refused)
    })

    it('names a topic or partition that does not exist', async () => {
      const missing = { code: 'UNKNOWN_TOPIC_OR_PARTITION' }
      await expect(kafka.endOffsets('contract-none', 'committed')).rejects.toMatchObject(missing)
      const bounds = { topic: 'contract-none', partition: 0, fromOffset: 0, isolation: 'committed' } as const
      const reader = kafka.openPartitionReader(bounds)
      await expect(reader.next({ maxWaitMs: 10_000 })).rejects.toMatchObject(missing)
    }, 15_000)

    it('ends every call of a client that is closed', async () => {
      const topic = await newTopic(1)
      const own = await connectKafka({ brokers, clientId: 'contract-closing' })
      const reader = own.openPartitionReader({ topic, partition: 0, fromOffset: 0, isolation: 'committed' })
      const producer = await own.openTransactionalProducer({
        transactionalId: randomUUID(),
        transactionTimeoutMs: 15_000,
      })
      const waiting = reader.next({ maxWaitMs: 60_000 })
      const ended = expect(waiting).rejects.toMatchObject({ code: 'KAFKA_CLIENT_CLOSED' })
      await own.close()
      await ended
      await expect(own.endOffsets(topic, 'committed')).rejects.toMatchObject({ code: 'KAFKA_CLIENT_CLOSED' })
      expect((await producer.commit([write(topic, 0, 'a')])).kind).not.toBe('committed')
    })
  })
}

const apiKeys = { produce: 0 }

function text(value: string): Buffer {
  return Buffer.from(value)
}

function write(topic: string, partition: number, ...values: readonly string[]): PartitionWrite {
  return { topic, partition, records: values.map((value) => ({ key: text('k'), value: text(value) })) }
}

/** A wait may end early with nothing, when only a marker passed. */
async function nextRecords(next: () => Promise<{ readonly records: readonly StoredRecord[] }>) {
  for (;;) {
    const { records } = await next()
    if (records.length > 0) return records
  }
}
