import { MemorySchemaLog, MemorySchemaTopic, type RunningRegistry, startRegistry } from '@keyfold/registry'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Added, Noted } from '../testing/counter.ts'
import { RegistryEventCodec } from './registry-event-codec.ts'

const topic = 'test.events'
const away = expect.objectContaining({ code: 'REGISTRY_UNREACHABLE', retriable: true })
const unknown = expect.objectContaining({ code: 'SCHEMA_UNKNOWN', retriable: true })

let schemas: MemorySchemaTopic
let registry: RunningRegistry
const codec = () => new RegistryEventCodec({ url: registry.url, register: 'all' })

/** On the same port as before, and with what it knew. */
async function startAgain(): Promise<void> {
  registry = await startRegistry({ log: new MemorySchemaLog(schemas), port: Number(new URL(registry.url).port) })
}

beforeEach(async () => {
  schemas = new MemorySchemaTopic()
  registry = await startRegistry({ log: new MemorySchemaLog(schemas), port: 0 })
})

afterEach(() => registry.close())

describe('while the registry is away', () => {
  it('known events are written and read on; an unknown id is an error until the registry is back', async () => {
    const [one, other] = [codec(), codec()]
    await one.register(topic, [Noted])
    await other.register('test.other', [Added])
    const known = await one.encode(topic, Noted({ text: 'known' }))
    const foreign = await other.encode('test.other', Added({ amount: 1 }))
    await registry.close()

    await one.prepare([known.value])
    expect(one.decode(known.value)).toMatchObject({ events: [{ data: { text: 'known' } }] })
    expect(await one.encode(topic, Noted({ text: 'still' }))).toMatchObject({ schemaId: known.schemaId })
    await expect(one.prepare([known.value, foreign.value])).rejects.toEqual(away)
    expect(() => one.decode(foreign.value)).toThrow(unknown)

    await startAgain()
    await one.register('test.other', [Added])
    await one.prepare([foreign.value])
    expect(one.decode(foreign.value)).toMatchObject({ events: [{ data: { amount: 1 } }] })
  })

  it('an application cannot start, and can once it is back', async () => {
    await registry.close()
    const starting = codec()
    await expect(starting.register(topic, [Noted])).rejects.toEqual(away)
    await startAgain()
    await starting.register(topic, [Noted])
    expect(await starting.encode(topic, Noted({ text: 'hi' }))).toMatchObject({ schemaVersion: 2 })
  })
})

it('an id that the registry does not have yet is asked for again, and never taken for something else', async () => {
  const reader = codec()
  await reader.register(topic, [Noted])
  // As somebody wrote it whose registration has not reached this registry.
  const early = Buffer.from([0, 0, 0, 0, 9, 2, 65])
  await reader.prepare([early]).catch(() => undefined)
  expect(() => reader.decode(early)).toThrow(unknown)
  const schema = JSON.stringify({ type: 'record', name: 'test.Noted', fields: [{ name: 'text', type: 'string' }] })
  const send = (method: string, path: string, body: object) =>
    fetch(registry.url + path, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  await send('PUT', '/mode/elsewhere', { mode: 'IMPORT' })
  expect((await send('POST', '/subjects/elsewhere/versions', { schema, id: 9, version: 1 })).status).toBe(200)
  await reader.prepare([early])
  expect(reader.decode(early).schema.id).toBe(9)
})
