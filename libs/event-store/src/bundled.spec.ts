import { randomUUID } from 'node:crypto'
import { type RunningBroker, startBroker } from '@keyfold/broker'
import { connectKafka, type KafkaClient } from '@keyfold/kafka'
import { FlakyProxy } from '@keyfold/kafka/testing'
import { MemorySchemaLog, startRegistry } from '@keyfold/registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RegistryEventCodec } from './codec/registry-event-codec.ts'
import type { CommandOutcome } from './command-outcome.ts'
import { openEventStore } from './event-store.ts'
import { Add, counterOn, limit, Note } from './testing/counter.ts'

let proxy: FlakyProxy
let broker: RunningBroker
let registry: Awaited<ReturnType<typeof startRegistry>>
const clients: KafkaClient[] = []

beforeAll(async () => {
  proxy = await FlakyProxy.start()
  broker = await startBroker({ memory: true, advertisedHost: '127.0.0.1', advertisedPort: proxy.port })
  proxy.forwardTo(broker.port)
  registry = await startRegistry({ log: new MemorySchemaLog(), host: '127.0.0.1', port: 0 })
}, 30_000)

afterAll(async () => {
  for (const client of clients) await client.close()
  await registry?.close()
  await broker?.close()
  await proxy?.close()
})

/** One process: a client, a codec and a store of its own. */
async function open(topic: string, partitions = 2, brokers: readonly string[] = [proxy.address]) {
  const kafka = await connectKafka({ brokers, clientId: 'test', requestTimeoutMs: 2_000 })
  clients.push(kafka)
  const codec = new RegistryEventCodec({ url: registry.url })
  return openEventStore({ application: 'test', kafka, codec, aggregates: [counterOn(topic)], partitions })
}

const cluster = process.env['KAFKA_BROKERS']?.split(',')
const places: readonly { readonly name: string; readonly brokers: readonly string[] | undefined }[] = [
  { name: 'the bundled broker', brokers: undefined },
  ...(cluster === undefined ? [] : [{ name: `the cluster at ${cluster.join()}`, brokers: cluster }]),
]

describe.each(places)('an event store on $name', ({ brokers }) => {
  it('keeps events, command ids and versions over a restart', async () => {
    const topic = `counter-${randomUUID()}`
    const store = await open(topic, 2, brokers)
    const first = await store.execute(new Add({ id: 'a', amount: 2, times: 3 }), { commandId: 'yes' })
    const no = await store.execute(new Add({ id: 'a', amount: limit }), { commandId: 'no' })
    expect([first.kind, no.kind]).toEqual(['committed', 'rejected'])
    await store.close()

    const again = await open(topic, 2, brokers)
    expect(await again.execute(new Add({ id: 'a', amount: 2, times: 3 }), { commandId: 'yes' })).toEqual({
      ...first,
      duplicate: true,
    })
    expect(await again.execute(new Add({ id: 'a', amount: limit }), { commandId: 'no' })).toEqual({
      ...no,
      duplicate: true,
    })
    expect(await again.execute(new Note({ id: 'a', text: 'ü' }))).toMatchObject({ kind: 'committed', version: 4 })
    const stored = await again.readEvents({ topic, key: 'a' })
    expect(stored.map(({ data }) => data)).toEqual([
      { amount: 2 },
      { amount: 2 },
      { amount: 2 },
      { text: 'ü', lang: 'en' },
    ])
    await again.close()
  })

  it('is fenced by a second one of the same application', async () => {
    const topic = `counter-${randomUUID()}`
    const first = await open(topic, 1, brokers)
    await first.execute(new Add({ id: 'a', amount: 1 }))
    const second = await open(topic, 1, brokers)
    expect(await first.execute(new Add({ id: 'a', amount: 1 }))).toMatchObject({
      kind: 'failed',
      error: { code: 'NOT_OWNER' },
    })
    expect(await second.execute(new Add({ id: 'a', amount: 1 }))).toMatchObject({ kind: 'committed', version: 2 })
    expect(await first.execute(new Add({ id: 'a', amount: 1 }))).toMatchObject({ error: { code: 'NOT_OWNER' } })
    await Promise.all([first.close(), second.close()])
  })
})

describe('an event store whose connections break', () => {
  it('keeps its promises while connections break and answers get lost', async () => {
    const topic = `counter-${randomUUID()}`
    const store = await open(topic)
    const endsAt = Date.now() + 3_000
    const breaking = breakThings(endsAt)
    const acknowledged: CommandOutcome[] = []
    const caller = async (id: string): Promise<void> => {
      for (let count = 0; Date.now() < endsAt; count++) {
        const outcome = await store.execute(new Note({ id, text: `${count}` }), {
          commandId: `${id}-${count}`,
          deadlineMs: 5_000,
        })
        expect(['committed', 'unknown']).toContain(outcome.kind)
        acknowledged.push(outcome)
      }
    }
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(caller))
    await breaking
    await store.close()

    const after = await open(topic)
    const log = await after.readEvents({ topic, limit: 10_000 })
    await after.close()
    for (const [key, events] of Map.groupBy(log, (event) => event.key)) {
      expect(
        events.map(({ aggregateVersion }) => aggregateVersion),
        key,
      ).toEqual(events.map((_, index) => index + 1))
      // Each caller waits for its answer, so its texts are in order, and none is there twice.
      const texts = events.map(({ data }) => (data as { readonly text: string }).text)
      expect(texts, key).toEqual([...texts].sort((left, right) => Number(left) - Number(right)))
      expect(new Set(texts).size, key).toBe(texts.length)
    }
    const byCommand = new Map(log.map((event) => [event.commandId, event]))
    const committed = acknowledged.filter((outcome) => outcome.kind === 'committed')
    expect(committed.length).toBeGreaterThan(20)
    for (const outcome of committed) {
      expect(byCommand.get(outcome.commandId)).toMatchObject({
        aggregateVersion: outcome.version,
        offset: outcome.position?.offset,
      })
    }
  }, 30_000)
})

/** Loses a request or an answer of a random kind every few milliseconds, and all connections now and then. */
async function breakThings(endsAt: number): Promise<void> {
  const kinds = [0, 1, 2, 10, 22, 24, 26]
  for (let round = 0; Date.now() < endsAt; round++) {
    await new Promise((resolve) => setTimeout(resolve, 40))
    const apiKey = kinds[round % kinds.length] ?? 26
    if (round % 11 === 10) proxy.cutAll()
    else proxy.faults.push({ apiKey, what: round % 2 === 0 ? 'lose-answer' : 'lose-request' })
  }
  proxy.faults.length = 0
}
