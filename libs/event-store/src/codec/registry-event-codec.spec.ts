import { defineEvent } from '@keyfold/eventsourcing'
import { describe, expect, it } from 'vitest'
import { Added, Noted } from '../testing/counter.ts'
import { MemorySchemaRegistry } from '../testing/memory-schema-registry.ts'
import { RegistryEventCodec } from './registry-event-codec.ts'

const topic = 'test.events'

function codecOn(registry: MemorySchemaRegistry, register: 'all' | 'initial' = 'all', clock?: () => number) {
  return new RegistryEventCodec({ url: registry.url, registry, register, ...(clock === undefined ? {} : { clock }) })
}

describe('the registry codec', () => {
  it('registers every version of an event under the topic and its full name, in order', async () => {
    const registry = new MemorySchemaRegistry()
    await codecOn(registry).register(topic, [Added, Noted])
    expect(registry.calls.register).toBe(3)
    expect(await registry.subjectExists('test.events-test.Noted')).toBe(true)
    await codecOn(registry).register(topic, [Added, Noted])
    expect(registry.calls.register).toBe(3)
  })

  it('writes Confluent’s framing with the newest version and says what a reader will get', async () => {
    const registry = new MemorySchemaRegistry()
    const codec = codecOn(registry)
    await codec.register(topic, [Noted])
    const encoded = await codec.encode(topic, Noted({ text: 'hi' }))
    expect(encoded).toMatchObject({ schemaVersion: 2, data: { text: 'hi', lang: 'en' } })
    expect(encoded.value.readInt8(0)).toBe(0)
    expect(encoded.value.readInt32BE(1)).toBe(encoded.schemaId)
    expect(codec.decode(encoded.value)).toEqual({
      schema: { id: encoded.schemaId, name: 'test.Noted', version: 2, guid: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      events: [{ type: 'test.Noted', data: { text: 'hi', lang: 'en' } }],
    })
  })

  it('reads what other code wrote in the newest shape, and fetches each id once', async () => {
    const registry = new MemorySchemaRegistry()
    // Other code, with a version of its own.
    const other = codecOn(registry)
    const fields = ['text', 'mood'].map((name) => ({ name, type: 'string' }))
    const versions = [{ version: 1, schema: { type: 'record', name: 'test.Noted', fields } }]
    await other.register(topic, [defineEvent({ name: 'test.Noted', versions })])
    const { value } = await other.encode(topic, { type: 'test.Noted', data: { text: 'old', mood: 'good' } })

    const reader = codecOn(registry, 'initial')
    await reader.register('test.other', [Noted])
    expect(() => reader.decode(value)).toThrow(expect.objectContaining({ code: 'SCHEMA_UNKNOWN' }))
    const before = registry.calls.schema
    await Promise.all([reader.prepare([value, value]), reader.prepare([value])])
    await reader.prepare([value])
    expect(registry.calls.schema - before).toBe(1)
    expect(reader.decode(value)).toMatchObject({
      schema: { name: 'test.Noted', version: undefined },
      events: [{ data: { text: 'old', lang: 'en' } }],
    })
  })

  it('refuses a value that does not fit, with the field', async () => {
    const codec = codecOn(new MemorySchemaRegistry())
    await codec.register(topic, [Added])
    expect(() => codec.encode(topic, { type: 'test.Added', data: { amount: 'x' } })).toThrow(
      expect.objectContaining({ code: 'EVENT_DOES_NOT_FIT', details: expect.objectContaining({ field: 'amount' }) }),
    )
    expect(() => codec.encode(topic, { type: 'test.None', data: {} })).toThrow(
      expect.objectContaining({ code: 'EVENT_UNKNOWN' }),
    )
  })

  it('names event and value when it finds an event that the code does not know', async () => {
    const registry = new MemorySchemaRegistry()
    const writer = codecOn(registry)
    await writer.register(topic, [Added])
    const { value } = await writer.encode(topic, Added({ amount: 1 }))
    const reader = codecOn(registry)
    await reader.prepare([value, Buffer.from('no avro')])
    expect(() => reader.decode(value)).toThrow(
      expect.objectContaining({ code: 'EVENT_UNKNOWN', details: { type: 'test.Added' } }),
    )
    expect(() => reader.decode(Buffer.from('no avro'))).toThrow(expect.objectContaining({ code: 'VALUE_UNREADABLE' }))
    // Learned later, the same id is read.
    await reader.register(topic, [Added])
    await reader.prepare([value])
    expect(reader.decode(value)).toMatchObject({ events: [{ data: { amount: 1 } }] })
  })

  it('says which field makes a new version incompatible, and why', async () => {
    const registry = new MemorySchemaRegistry()
    const [first] = Added.versions
    const fields = [
      { name: 'amount', type: 'int' },
      { name: 'currency', type: 'string' },
    ]
    const versions = [
      { version: 1, schema: first?.schema },
      { version: 2, schema: { type: 'record', name: 'test.Added', fields } },
    ]
    const registering = codecOn(registry).register(topic, [defineEvent({ name: 'test.Added', versions })])
    const error: unknown = await registering.catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      details: { subject: 'test.events-test.Added', version: 2, field: expect.stringContaining('currency') },
    })
    expect(String(error)).toMatch(/version 2 of test\.events-test\.Added at .*currency.*cannot read version 1.*Fix: /)
  })

  it('refuses one name for two different events', async () => {
    const codec = codecOn(new MemorySchemaRegistry())
    await codec.register(topic, [Added])
    const other = defineEvent({
      name: 'test.Added',
      versions: [
        { version: 1, schema: { type: 'record', name: 'test.Added', fields: [{ name: 'other', type: 'string' }] } },
      ],
    })
    await expect(codec.register('test.other', [other])).rejects.toMatchObject({ code: 'EVENT_NAME_TAKEN' })
    await codec.register('test.other', [Added])
  })
})

describe('the registry codec when later versions are registered by somebody else', () => {
  async function before(now: { ms: number }) {
    const registry = new MemorySchemaRegistry()
    const codec = codecOn(registry, 'initial', () => now.ms)
    await codec.register(topic, [Noted])
    const registerNext = async () => {
      await codecOn(registry).register(topic, [Noted])
    }
    return { registry, codec, registerNext }
  }

  it('writes with version 1 what version 1 can hold', async () => {
    const { codec, registry } = await before({ ms: 0 })
    expect(registry.calls.register).toBe(1)
    expect(await codec.encode(topic, Noted({ text: 'hi' }))).toMatchObject({ schemaVersion: 1, data: { lang: 'en' } })
    expect(await codec.encode(topic, Noted({ text: 'hi', lang: 'en' }))).toMatchObject({ schemaVersion: 1 })
  })

  it('refuses what only version 2 can hold, and says what to register', async () => {
    const { codec } = await before({ ms: 0 })
    const refused = Promise.resolve(codec.encode(topic, Noted({ text: 'hoi', lang: 'nl' })))
    const error: unknown = await refused.catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'SCHEMA_NOT_REGISTERED', details: { version: 2, registered: 1 } })
    expect(String(error)).toContain('register version 2 of test.events-test.Noted first')
  })

  it('uses version 2 for such a value as soon as it is registered', async () => {
    const { codec, registerNext } = await before({ ms: 0 })
    await registerNext()
    expect(await codec.encode(topic, Noted({ text: 'hoi', lang: 'nl' }))).toMatchObject({
      schemaVersion: 2,
      data: { text: 'hoi', lang: 'nl' },
    })
    expect(await codec.encode(topic, Noted({ text: 'hi' }))).toMatchObject({ schemaVersion: 2 })
  })

  it('comes to use version 2 for other values within a second or so, without waiting for it', async () => {
    const now = { ms: 5_000 }
    const { codec, registerNext } = await before(now)
    expect(codec.encode(topic, Noted({ text: 'hi' }))).toMatchObject({ schemaVersion: 1 })
    await registerNext()
    expect(codec.encode(topic, Noted({ text: 'hi' }))).toMatchObject({ schemaVersion: 1 })
    now.ms += 1_001
    expect(codec.encode(topic, Noted({ text: 'hi' }))).toMatchObject({ schemaVersion: 1 })
    await new Promise((resolve) => setImmediate(resolve))
    expect(codec.encode(topic, Noted({ text: 'hi' }))).toMatchObject({ schemaVersion: 2 })
  })

  it('goes on with version 1 while the registry is away, and says so when that will not do', async () => {
    const now = { ms: 5_000 }
    const { codec, registry } = await before(now)
    registry.reachable = false
    now.ms += 5_000
    expect(codec.encode(topic, Noted({ text: 'hi' }))).toMatchObject({ schemaVersion: 1 })
    await expect(codec.encode(topic, Noted({ text: 'hoi', lang: 'nl' }))).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
    })
  })
})
