import { connectKafka, type KafkaClient, type TransactionalProducer } from '@keyfold/kafka'
import { committedValues } from '@keyfold/kafka/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApacheKafka, startApacheKafka } from './apache-kafka.ts'
import { whyNoKafka } from './distribution.ts'

/** How often each node is killed. */
const kills = Number(process.env['KEYFOLD_KAFKA_KILLS'] ?? 2)
const partitions = 24
const topic = 'forgotten'

const missing = whyNoKafka()
if (missing !== undefined) process.stdout.write(`Commits that a killed Kafka forgets are skipped: ${missing}.\n`)

describe.skipIf(missing !== undefined).each([2, 1] as const)(
  'a node of Apache Kafka that is killed while it ends transactions of version %i',
  (transactionVersionMax) => {
    let cluster: ApacheKafka
    let kafka: KafkaClient
    let forgotten = 0

    beforeAll(async () => {
      cluster = await startApacheKafka()
      kafka = await connectKafka({
        brokers: [cluster.address],
        clientId: 'forgotten',
        transactionVersionMax,
        log: (_, message) => (forgotten += message.includes('had forgotten') ? 1 : 0),
      })
      await kafka.ensureTopics([{ name: topic, partitions }])
    }, 300_000)

    afterAll(async () => {
      await kafka.close()
      await cluster.stop()
    })

    const open = (partition: number) =>
      kafka.openTransactionalProducer({
        transactionalId: `owner-${partition}`,
        transactionTimeoutMs: 60_000,
        partitions: [{ topic, partition }],
      })

    const write = (partition: number, value: string) => ({
      topic,
      partition,
      records: [{ key: null, value: Buffer.from(value) }],
    })

    it('loses no commit that it has acknowledged', { timeout: 60_000 + kills * 90_000 }, async () => {
      const acknowledged = new Set<string>()
      for (let round = 0; round < kills; round++) {
        const enough = acknowledged.size + 20 * partitions
        const killed = Promise.withResolvers<void>()
        const state = { isOver: false }
        const commitUntilUnknown = async (partition: number): Promise<void> => {
          const producer = await open(partition)
          for (let count = 0; !state.isOver; count++) {
            const value = `${partition}/${round}/${count}`
            if ((await producer.commit([write(partition, value)])).kind !== 'committed') return
            acknowledged.add(value)
            if (acknowledged.size === enough) killed.resolve()
          }
        }
        const owners = Promise.all(Array.from({ length: partitions }, (_, partition) => commitUntilUnknown(partition)))
        // Before the kill owners end only if something is wrong: then there would be nothing to wait for.
        await Promise.race([killed.promise, owners])
        await cluster.nodes[0]?.kill()
        await cluster.nodes[0]?.start()
        // Who did not notice goes on with its next transaction.
        state.isOver = true
        await owners
        await Promise.all(Array.from({ length: partitions }, async (_, partition) => abortOne(await open(partition))))
        const there = await everythingCommitted()
        expect([...acknowledged].filter((value) => !there.has(value))).toEqual([])
        process.stdout.write(`kill ${round + 1}: ${acknowledged.size} acknowledged, ${forgotten} ends were forgotten\n`)
      }
    })

    /** What takes a forgotten transaction away that is still open. */
    async function abortOne(producer: TransactionalProducer): Promise<void> {
      const partition = Number(producer.transactionalId.split('-')[1])
      const outcome = await producer.commit([{ ...write(partition, 'aborted'), expectedOffset: 0 }])
      expect(outcome.kind).toBe('aborted')
    }

    async function everythingCommitted(): Promise<ReadonlySet<string>> {
      const there = new Set<string>()
      for (let partition = 0; partition < partitions; partition++)
        for (const value of await committedValues(kafka, topic, partition)) there.add(value)
      return there
    }
  },
)
