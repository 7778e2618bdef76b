import { createServer } from 'node:http'
import { avroType } from '@keyfold/avro'
import { MemorySchemaLog, startRegistry } from '@keyfold/registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfluentRegistryClient } from './confluent-registry-client.ts'

let registry: Awaited<ReturnType<typeof startRegistry>>
let client: ConfluentRegistryClient

beforeAll(async () => {
  registry = await startRegistry({ log: new MemorySchemaLog(), host: '127.0.0.1', port: 0 })
  client = new ConfluentRegistryClient(registry.url, 2_000)
}, 30_000)

afterAll(async () => {
  await registry.close()
})

const schema = (...fields: readonly object[]) => ({
  schema: JSON.stringify({ type: 'record', name: 'test.Paid', fields }),
  references: [],
})
const amount = { name: 'amount', type: { type: 'long', logicalType: 'timestamp-millis' } }

describe('the client of a schema registry', () => {
  it('registers, finds and fetches schemas exactly as they are', async () => {
    expect(await client.subjectExists('topic-test.Paid')).toBe(false)
    expect(await client.find('topic-test.Paid', schema(amount))).toBeUndefined()
    const id = await client.register('topic-test.Paid', schema(amount))
    expect(await client.subjectExists('topic-test.Paid')).toBe(true)
    expect(await client.find('topic-test.Paid', schema(amount))).toEqual({ id, version: 1 })
    // The logical type must survive: it decides what a value is.
    const held = await client.schema(id)
    const text = held?.schema ?? ''
    expect(avroType(text).fingerprint).toBe(avroType(schema(amount).schema).fingerprint)
    expect(text).toContain('timestamp-millis')
    expect(await client.schema(id)).toEqual(held)
  })

  it('gives all versions of a subject, oldest first', async () => {
    const subject = 'a topic/with:odd signs-test.Paid'
    expect(await client.versions(subject)).toEqual([])
    const memo = { name: 'memo', type: 'string', default: '' }
    const first = await client.register(subject, schema(amount))
    const second = await client.register(subject, schema(amount, memo))
    expect(await client.versions(subject)).toMatchObject([
      { version: 1, id: first, schema: expect.stringContaining('timestamp-millis') },
      { version: 2, id: second, schema: expect.stringContaining('memo') },
    ])
    const nobody = new ConfluentRegistryClient('http://127.0.0.1:1/', 2_000)
    await expect(nobody.versions(subject)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
  })

  it('knows what is not there', async () => {
    expect(await client.schema(4711)).toBeUndefined()
    await client.register('topic-test.Other', schema(amount))
    expect(await client.find('topic-test.Other', schema())).toBeUndefined()
  })

  it('makes a refusal SCHEMA_INCOMPATIBLE, with the registry’s reason', async () => {
    await client.register('refused-test.Paid', schema(amount))
    await expect(
      client.register('refused-test.Paid', schema(amount, { name: 'currency', type: 'string' })),
    ).rejects.toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      message: expect.stringContaining('currency'),
    })
  })

  it('names the URL and the fix when nobody listens, and when nobody answers', async () => {
    const nobody = new ConfluentRegistryClient('http://127.0.0.1:1', 2_000)
    const error: unknown = await nobody.schema(1).catch((caught: unknown) => caught)
    expect(String(error)).toMatch(
      /^REGISTRY_UNREACHABLE: .*http:\/\/127\.0\.0\.1:1.*ECONNREFUSED.*Fix: start the schema registry/,
    )

    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    await expect(new ConfluentRegistryClient(url, 200).find('s', schema())).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('no answer within 200 ms'),
    })
    silent.closeAllConnections()
    silent.close()
  })
})
