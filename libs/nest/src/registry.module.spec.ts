import 'reflect-metadata'
import { MemorySchemaLog, MemorySchemaTopic } from '@keyfold/registry'
import { InMemoryKafka } from '@keyfold/testing'
import { SchemaRegistry as Client, SchemaType } from '@kafkajs/confluent-schema-registry'
import { Controller, Get, type INestApplication, Module, type NestApplicationOptions } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { RegistryModule, type RegistryModuleOptions } from './registry.module.ts'

const applications: INestApplication[] = []

afterEach(async () => {
  for (const application of applications.splice(0)) await application.close()
})

const adapters = { Express: () => new ExpressAdapter(), Fastify: () => new FastifyAdapter() } as const

@Controller()
class OtherController {
  @Get('schema-registry-docs')
  docs(): string {
    return 'something else'
  }
}

async function start(
  adapter: keyof typeof adapters,
  options: Partial<RegistryModuleOptions> & { readonly path?: string } = {},
  prefix = '',
  port = 0,
): Promise<string> {
  const registry = RegistryModule.forRoot({
    store: new MemorySchemaLog(),
    advertisedUrl: 'http://127.0.0.1:1/schema-registry',
    ...options,
  })
  @Module({ imports: [registry], controllers: [OtherController] })
  class Application {}
  const quiet: NestApplicationOptions = { logger: false }
  // The adapters differ in their request types only.
  const application = await NestFactory.create(Application, adapters[adapter]() as ExpressAdapter, quiet)
  if (prefix !== '') application.setGlobalPrefix(prefix)
  applications.push(application)
  await application.listen(port, '127.0.0.1')
  return await application.getUrl()
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const schema = JSON.stringify({ type: 'record', name: 'Paid', namespace: 'bank', fields: [{ name: 'a', type: 'int' }] })
const vnd = 'application/vnd.schemaregistry.v1+json'

describe.each(['Express', 'Fastify'] as const)('the registry in a Nest application on %s', (adapter) => {
  it('serves clients below its path, and leaves everything else to the application', async () => {
    const url = await start(adapter)
    const client = new Client({ host: `${url}/schema-registry`, retry: { retries: 0 } })
    const { id } = await client.register({ type: SchemaType.AVRO, schema }, { subject: 'a/b' })
    expect(await client.encode(id, { a: 5 })).toBeInstanceOf(Buffer)
    expect(await (await fetch(`${url}/schema-registry/subjects`)).json()).toEqual(['a/b'])
    expect(await (await fetch(`${url}/schema-registry`)).json()).toEqual({})
    expect(await (await fetch(`${url}/schema-registry/subjects/a%2Fb/versions/`)).json()).toEqual([1])
    expect(await (await fetch(`${url}/schema-registry-docs`)).text()).toBe('something else')
    expect((await fetch(`${url}/subjects`)).status).toBe(404)
  })

  it.each([vnd, 'application/json', 'application/octet-stream'])('reads bodies of type %s', async (type) => {
    const url = `${await start(adapter)}/schema-registry/subjects/s/versions`
    const post = (body: string) => fetch(url, { method: 'POST', body, headers: { 'content-type': type } })
    expect(await (await post(JSON.stringify({ schema }))).json()).toMatchObject({ id: 1 })
    expect((await post('{')).status).toBe(400)
  })

  it('refuses as clients expect it: unknown routes, wrong types, bodies that are too large', async () => {
    const url = `${await start(adapter)}/schema-registry`
    const missing = await fetch(`${url}/nothing`)
    expect(missing.headers.get('content-type')).toBe(vnd)
    expect(await missing.json()).toEqual({ error_code: 404, message: 'HTTP 404 Not Found' })
    const post = (body: string, type: string) =>
      fetch(`${url}/subjects/s/versions`, { method: 'POST', body, headers: { 'content-type': type } })
    expect(await (await post('x', 'text/plain')).json()).toMatchObject({ error_code: 415 })
    expect(await (await post(JSON.stringify({ schema: 'x'.repeat(1_100_000) }), vnd)).json()).toMatchObject({
      error_code: 413,
    })
  })

  it('can be mounted elsewhere, also below a global prefix', async () => {
    const url = await start(adapter, { path: '/tools/registry/' }, 'api')
    expect(await (await fetch(`${url}/api/tools/registry/schemas/types`)).json()).toEqual(['AVRO'])
  })

  it('passes changes on to the application on the same topic that writes', async () => {
    const kafka = new InMemoryKafka()
    const ports = [await freePort(), await freePort()] as const
    const [first, second] = ports.map((port) => `http://127.0.0.1:${port}/schema-registry`) as [string, string]
    await start(adapter, { store: kafka, advertisedUrl: first }, '', ports[0])
    await start(adapter, { store: new InMemoryKafka(kafka.log), advertisedUrl: second }, '', ports[1])
    const body = JSON.stringify({ schema })
    const answer = await fetch(`${second}/subjects/s/versions`, {
      method: 'POST',
      body,
      headers: { 'content-type': vnd },
    })
    expect(await answer.json()).toMatchObject({ id: 1 })
    const roles = [first, second].map(async (url) => (await (await fetch(`${url}/health`)).json()) as { role: string })
    expect((await Promise.all(roles)).map(({ role }) => role)).toEqual(['writer', 'follower'])
  })
})

describe('RegistryModule.forRootAsync', () => {
  it('takes its options from other providers', async () => {
    const topic = new MemorySchemaTopic()
    const useFactory = () => ({ store: new MemorySchemaLog(topic), advertisedUrl: 'http://127.0.0.1:1/r' })
    @Module({ imports: [RegistryModule.forRootAsync({ path: 'r', useFactory })] })
    class Application {}
    const application = await NestFactory.create(Application, new ExpressAdapter(), { logger: false })
    applications.push(application)
    await application.listen(0, '127.0.0.1')
    const url = await application.getUrl()
    expect(await (await fetch(`${url}/r/subjects`)).json()).toEqual([])
    expect(topic.writer?.url).toBe('http://127.0.0.1:1/r')
  })
})
