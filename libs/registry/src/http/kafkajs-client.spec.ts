import { COMPATIBILITY, SchemaRegistry as Client, SchemaType } from '@kafkajs/confluent-schema-registry'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemorySchemaLog } from '../log/memory-schema-log.ts'
import { type RunningRegistry, startRegistry } from './start-registry.ts'

const v1 = { type: 'record', name: 'Deposited', namespace: 'bank', fields: [{ name: 'amount', type: 'int' }] }
const v2 = { ...v1, fields: [...v1.fields, { name: 'memo', type: 'string', default: '' }] }
const broken = { ...v1, fields: [{ name: 'other', type: 'int' }] }
const options = { subject: 'bank.account-bank.Deposited', compatibility: COMPATIBILITY.BACKWARD_TRANSITIVE }
const avro = (schema: object) => ({ type: SchemaType.AVRO as const, schema: JSON.stringify(schema) })

let registry: RunningRegistry
let client: Client

beforeEach(async () => {
  registry = await startRegistry({ log: new MemorySchemaLog(), port: 0 })
  client = new Client({ host: registry.url, retry: { retries: 0 } })
})

afterEach(() => registry.close())

describe('@kafkajs/confluent-schema-registry', () => {
  it('registers, finds, encodes and decodes', async () => {
    const { id } = await client.register(avro(v1), options)
    expect(await client.getLatestSchemaId(options.subject)).toBe(id)
    expect(await client.getRegistryId(options.subject, 1)).toBe(id)
    expect(await client.getRegistryIdBySchema(options.subject, avro(v1))).toBe(id)
    const bytes = await client.encode(id, { amount: 5 })
    expect(await new Client({ host: registry.url }).decode(bytes)).toEqual({ amount: 5 })
  })

  it('gets the same id again, a new one for a new version, and a refusal for a breaking one', async () => {
    const first = await client.register(avro(v1), options)
    expect(await client.register(avro(v1), options)).toEqual(first)
    expect((await client.register(avro(v2), options)).id).toBe(first.id + 1)
    await expect(client.register(avro(broken), options)).rejects.toThrow(/incompatible with an earlier schema/)
  })

  it('sees the level that it set on the subject', async () => {
    await client.register(avro(v1), options)
    await expect(client.register(avro(v2), { ...options, compatibility: COMPATIBILITY.NONE })).rejects.toThrow(
      /Compatibility does not match/,
    )
  })

  it('is told what does not exist', async () => {
    await expect(client.getLatestSchemaId('nobody')).rejects.toMatchObject({ status: 404 })
    await expect(client.getSchema(77)).rejects.toMatchObject({ status: 404 })
  })
})
