import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectKafka, type KafkaClient } from '@keyfold/kafka'
import { startTestBroker, type TestBroker } from '@keyfold/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProjections, SqliteReadModelStore, type SqliteReader } from './index.ts'
import { balances, codec, Deposited, stored } from './testdata/ledger.ts'

/** The bundled broker; `KAFKA_BROKERS` names another cluster to run the same on. */
let broker: TestBroker | undefined
let kafka: KafkaClient
let directory: string
const topic = `projections-${Date.now()}`

beforeAll(async () => {
  const brokers = process.env['KAFKA_BROKERS']?.split(',')
  if (brokers === undefined) broker = await startTestBroker()
  kafka = await connectKafka({ brokers: brokers ?? [broker?.address ?? ''], clientId: 'projections-spec' })
  await kafka.ensureTopics([{ name: topic, partitions: 2 }])
  directory = await mkdtemp(join(tmpdir(), 'over-the-wire-'))
})

afterAll(async () => {
  await kafka.close()
  await broker?.close()
  await rm(directory, { recursive: true })
})

/** Commits so many deposits of 1 cent in one transaction; answers the offset of the last. */
async function deposit(partition: number, count: number): Promise<number> {
  const transactionalId = `${topic}-${partition}`
  const producer = await kafka.openTransactionalProducer({ transactionalId, transactionTimeoutMs: 10_000 })
  const records = Array.from({ length: count }, () => stored(`account-${partition}`, 1, Deposited({ amount: 1n })))
  const outcome = await producer.commit([{ topic, partition, records }])
  await producer.close()
  if (outcome.kind !== 'committed') throw outcome.error
  return (outcome.baseOffsets[0] ?? 0) + count - 1
}

describe('projections on a broker', () => {
  it('follow transactions, answer waits, and rebuild to the same rows', async () => {
    await deposit(0, 500)
    const stores = { sqlite: new SqliteReadModelStore({ directory }) }
    const projections = await openProjections({ kafka, codec, projectors: [balances({ topics: [topic] })], stores })
    const reader = projections.read<SqliteReader>('balances')
    const cents = () => reader.all('SELECT cents FROM balance ORDER BY account')
    await projections.start()
    const first = { topic, partition: 0, offset: 499 }
    expect(await projections.waitFor('balances', first, { deadlineMs: 5_000 })).toBe('visible')
    expect(cents()).toEqual([{ cents: 500 }])
    const offset = await deposit(1, 10)
    const position = { topic, partition: 1, offset }
    expect(await projections.waitFor('balances', position, { deadlineMs: 5_000 })).toBe('visible')
    expect(cents()).toEqual([{ cents: 500 }, { cents: 10 }])
    const { verified, events } = await projections.rebuild('balances')
    expect([verified.equal, events]).toEqual([true, 510])
    // Not `caughtUp`: a cluster may answer a commit before its marker has moved the end that readers see.
    const last = { topic, partition: 0, offset: await deposit(0, 1) }
    expect(await projections.waitFor('balances', last, { deadlineMs: 5_000 })).toBe('visible')
    expect(cents()).toEqual([{ cents: 501 }, { cents: 10 }])
    expect(projections.status()).toMatchObject([
      { state: 'live', partitions: [{ error: undefined }, { error: undefined }] },
    ])
    await projections.close()
  }, 20_000)
})
