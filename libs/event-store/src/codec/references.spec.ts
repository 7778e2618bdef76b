import { type DomainEvent, defineEvent, type SharedType } from '@keyfold/eventsourcing'
import { MemorySchemaLog, startRegistry } from '@keyfold/registry'
import { inMemoryCodec } from '@keyfold/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemorySchemaRegistry } from '../testing/memory-schema-registry.ts'
import { Deposited, moneyOf, paidWith, Price, Withdrawn } from '../testing/money.ts'
import { ConfluentRegistryClient } from './confluent-registry-client.ts'
import { RegistryEventCodec } from './registry-event-codec.ts'
import type { RegistrationPolicy } from './registration.ts'
import type { SchemaRegistryClient } from './schema-registry-client.ts'

let running: Awaited<ReturnType<typeof startRegistry>>
const topics = topicNames()

beforeAll(async () => {
  running = await startRegistry({ log: new MemorySchemaLog(), host: '127.0.0.1', port: 0 })
}, 30_000)

afterAll(async () => {
  await running.close()
})

/** Every topic has subjects of its own, and so have the shared types of a test. */
function* topicNames(): Generator<string, never> {
  for (let number = 1; ; number++) yield `test${number}`
}

/** Counts what is asked of a real registry. */
function counting(client: SchemaRegistryClient) {
  const calls = { find: 0, register: 0, schema: 0, version: 0 }
  const registry: SchemaRegistryClient = {
    url: client.url,
    find: (...all) => ((calls.find += 1), client.find(...all)),
    versions: (...all) => client.versions(...all),
    version: (...all) => ((calls.version += 1), client.version(...all)),
    subjectExists: (...all) => client.subjectExists(...all),
    register: (...all) => ((calls.register += 1), client.register(...all)),
    schema: (...all) => ((calls.schema += 1), client.schema(...all)),
  }
  return { registry, calls }
}

const codecOn = (registry: SchemaRegistryClient, register: RegistrationPolicy = 'all') =>
  new RegistryEventCodec({ url: registry.url, registry, register })

const amount = (cents: bigint) => ({ amount: { cents } })

describe.each([
  ['Confluent’s API', () => new ConfluentRegistryClient(running.url, 5_000)],
  ['a registry in memory', () => new MemorySchemaRegistry()],
])('events that share a type, with %s', (_, connect) => {
  function before() {
    const client = connect()
    const topic = topics.next().value
    const money = (count: number) => moneyOf(count, `${topic}.Money`)
    return { client, topic, money }
  }

  it('are registered after the type, which is registered once, with its number in the registry', async () => {
    const { client, topic, money } = before()
    const { registry, calls } = counting(client)
    const Money = money(1)
    await codecOn(registry).register(topic, [Deposited(Money, 1), Withdrawn(Money, 1)])
    expect(calls.register).toBe(3)
    const [money1] = await client.versions(`${topic}.Money`)
    expect(money1).toMatchObject({ version: 1, references: [] })
    const [deposited] = await client.versions(`${topic}-bank.Deposited`)
    expect(deposited?.references).toEqual([{ name: 'bank.Money', subject: `${topic}.Money`, version: 1 }])
    expect(deposited?.schema).not.toContain('cents')
    await codecOn(registry).register(topic, [Deposited(Money, 1), Withdrawn(Money, 1)])
    expect(calls.register).toBe(3)
  })

  it('are read when the type has gained a field since, by code that has to fetch their schema', async () => {
    const { client, topic, money } = before()
    const old = codecOn(client)
    await old.register(topic, [Deposited(money(1), 1)])
    const stored = await old.encode(topic, event('bank.Deposited', amount(5n)))
    const { registry, calls } = counting(client)
    const reader = codecOn(registry, 'none')
    await reader.register(`${topic}.elsewhere`, [Deposited(money(2), 1, 2)])
    await Promise.all([reader.prepare([stored.value]), reader.prepare([stored.value])])
    const { schema, events } = reader.decode(stored.value)
    expect(events).toEqual([event('bank.Deposited', { amount: { cents: 5n, currency: 'EUR' } })])
    expect(schema).toMatchObject({ name: 'bank.Deposited', version: 1, guid: old.decode(stored.value).schema.guid })
    expect(calls).toMatchObject({ schema: 1, version: 1, register: 0 })
  })

  it('use the new version of the type in their next version, and both are written and read', async () => {
    const { client, topic, money } = before()
    await codecOn(client).register(topic, [Deposited(money(1), 1)])
    const codec = codecOn(client)
    await codec.register(topic, [Deposited(money(2), 1, 2), Withdrawn(money(2), 2)])
    const encoded = await codec.encode(topic, event('bank.Deposited', { amount: { cents: 1n, currency: 'CHF' } }))
    expect(encoded.schemaVersion).toBe(2)
    expect(codec.decode(encoded.value).events).toEqual([
      event('bank.Deposited', { amount: { cents: 1n, currency: 'CHF' } }),
    ])
    expect((await client.versions(`${topic}-bank.Deposited`)).map(({ references }) => references[0]?.version)).toEqual([
      1, 2,
    ])
  })

  it('follow references of references, each version fetched once for all schemas', async () => {
    const { client, topic, money } = before()
    const subjects = { money: `${topic}.Money`, price: `${topic}.Price` }
    const [Paid, Refunded] = ['Paid', 'Refunded'].map((name) => paidWith(name, Price(money(1), subjects), subjects))
    const events = [Paid ?? never(), Refunded ?? never()]
    const writer = codecOn(client)
    await writer.register(topic, events)
    const data = { price: { net: { cents: 7n }, taxRate: 19 } }
    const values = await Promise.all(
      events.map(async ({ eventName }) => (await writer.encode(topic, event(eventName, data))).value),
    )
    const { registry, calls } = counting(client)
    const reader = codecOn(registry, 'none')
    await reader.register(`${topic}.elsewhere`, events)
    await reader.prepare(values)
    expect(values.flatMap((value) => reader.decode(value).events)).toEqual(
      events.map(({ eventName }) => event(eventName, data)),
    )
    expect(calls).toMatchObject({ schema: 2, version: 2 })
  })

  it('are not registered when their type may not be: somebody else decides on later versions', async () => {
    const { client, topic, money } = before()
    await codecOn(client).register(topic, [Deposited(money(1), 1)])
    const initial = codecOn(client, 'initial')
    await initial.register(topic, [Withdrawn(money(2), 2)])
    expect(await client.subjectExists(`${topic}-bank.Withdrawn`)).toBe(false)
    const refused = Promise.resolve(initial.encode(topic, event('bank.Withdrawn', amount(5n))))
    await expect(refused).rejects.toMatchObject({ code: 'SCHEMA_NOT_REGISTERED' })
    // A type that nobody has registered comes with the first event that uses it.
    const fresh = topics.next().value
    await codecOn(client, 'initial').register(fresh, [Deposited(moneyOf(1, `${fresh}.Money`), 1)])
    expect(await client.versions(`${fresh}-bank.Deposited`)).toHaveLength(1)
  })

  it('name the type when a new version of it is refused', async () => {
    const { client, topic } = before()
    await codecOn(client).register(topic, [Deposited(moneyOf(1, `${topic}.Money`), 1)])
    const Broken = moneyOf(2, `${topic}.Money`, { name: 'currency', type: 'string' })
    await expect(codecOn(client).register(topic, [Withdrawn(Broken, 2)])).rejects.toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      details: { subject: `${topic}.Money`, version: 2, field: expect.stringContaining('currency') },
    })
  })
})

describe('a schema whose references lead nowhere', () => {
  it('makes its values unreadable, until they lead somewhere for other ids', async () => {
    const registry = new MemorySchemaRegistry()
    const writer = codecOn(registry)
    const Money = moneyOf(1, 'bank.Money')
    await writer.register('t', [Deposited(Money, 1)])
    const { value } = await writer.encode('t', event('bank.Deposited', amount(1n)))
    const reader = codecOn(registry, 'none')
    await reader.register('elsewhere', [Deposited(Money, 1)])
    const version = registry.version.bind(registry)
    registry.version = async () => undefined
    await reader.prepare([value])
    expect(() => reader.decode(value)).toThrow(
      expect.objectContaining({ code: 'VALUE_UNREADABLE', message: expect.stringContaining('bank.Money') }),
    )
    registry.version = version
    const other = codecOn(registry, 'none')
    await other.register('elsewhere', [Deposited(Money, 1)])
    await other.prepare([value])
    expect(other.decode(value).events).toHaveLength(1)
  })

  it('ends when they lead in a circle, or to more than a schema may have', async () => {
    const chain = new MemorySchemaRegistry()
    chain.schema = async () => ({ schema: '"T0"', references: [{ name: 'T0', subject: 'T0', version: 1 }] })
    chain.version = async (subject) => {
      chain.calls.version++
      const next = `T${Number(subject.slice(1)) + 1}`
      const schema = JSON.stringify({ type: 'record', name: subject, fields: [] })
      return { schema, references: [{ name: next, subject: next, version: 1 }] }
    }
    const value = Buffer.from([0, 0, 0, 0, 1])
    const reader = codecOn(chain, 'none')
    await reader.prepare([value])
    expect(() => reader.decode(value)).toThrow(expect.objectContaining({ code: 'VALUE_UNREADABLE' }))
    expect(chain.calls.version).toBeLessThan(300)

    const circle = new MemorySchemaRegistry()
    circle.schema = async () => ({ schema: '"A"', references: [{ name: 'A', subject: 'A', version: 1 }] })
    circle.version = async () => ({ schema: '"A"', references: [{ name: 'A', subject: 'A', version: 1 }] })
    const other = codecOn(circle, 'none')
    await other.prepare([value])
    expect(() => other.decode(value)).toThrow(expect.objectContaining({ code: 'VALUE_UNREADABLE' }))
  })
})

describe('the codec of tests', () => {
  it('reads events with a shared type, also as they were before it gained a field', async () => {
    const Money = moneyOf(2, 'bank.Money')
    const codec = inMemoryCodec([Deposited(Money, 1, 2)])
    const { value } = codec.encode('t', { ...event('bank.Deposited', amount(5n)), version: 1 } as DomainEvent)
    expect(codec.decode(value).events).toEqual([event('bank.Deposited', { amount: { cents: 5n, currency: 'EUR' } })])
  })
})

it('two versions of one type in one schema are refused', () => {
  const [Old, New] = [moneyOf(1, 'old'), moneyOf(2, 'new')]
  const Both = defineEvent({
    name: 'bank.Both',
    versions: [
      {
        version: 1,
        schema: { type: 'record', name: 'bank.Both', fields: [{ name: 'a', type: 'bank.Money' }] },
        references: [reference(Old, 'old', 1), reference(New, 'new', 2)],
      },
    ],
  })
  expect(() => inMemoryCodec([Both])).toThrow('Conflicting reference versions for "bank.Money"')
})

function reference(type: SharedType, subject: string, version: number) {
  return { type, subject, version }
}

function event(type: string, data: unknown): DomainEvent {
  return { type, data }
}

function never(): never {
  throw new Error('there are two')
}
