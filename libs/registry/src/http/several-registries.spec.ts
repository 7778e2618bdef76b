import { InMemoryKafka } from '@keyfold/testing'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { KafkaSchemaLog } from '../log/kafka-schema-log.ts'
import { MemorySchemaLog, MemorySchemaTopic } from '../log/memory-schema-log.ts'
import type { SchemaLog } from '../log/schema-log.ts'
import type { LogRecord, LogWrite } from '../state/schema-record.ts'
import { type RunningRegistry, startRegistry } from './start-registry.ts'

const closers: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

interface Told extends RunningRegistry {
  readonly told: string[]
}

async function start(log: SchemaLog, more: { readonly port?: number; readonly writeTimeoutMs?: number } = {}) {
  const told: string[] = []
  const running = await startRegistry({ log, port: 0, tell: (_, message) => told.push(message), ...more })
  closers.push(() => running.close())
  return { ...running, told }
}

/** As many registries as asked for, each with a Kafka client of its own, on one cluster. */
async function startOn(kafka: InMemoryKafka, count: number): Promise<readonly Told[]> {
  const registries: Told[] = []
  for (let index = 0; index < count; index++) {
    registries.push(await start(new KafkaSchemaLog({ client: new InMemoryKafka(kafka.log) })))
  }
  return registries
}

/** One request, its path sent as it is. */
function call(url: string, method: string, path: string, { body, headers = {} }: Content = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly status: number; readonly body: unknown }>()
  const { hostname, port } = new URL(url)
  const options = { hostname, port, path, method, headers: { 'content-type': 'application/json', ...headers } }
  const request = httpRequest(options, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('end', () => {
      resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) as unknown })
    })
  })
  request.on('error', reject)
  request.end(body === undefined ? undefined : JSON.stringify(body))
  return promise
}

interface Content {
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

const schema = (field: string) =>
  JSON.stringify({ type: 'record', name: 'R', fields: [{ name: field, type: 'int', default: 0 }] })
const register = (url: string, field: string, subject = 's') =>
  call(url, 'POST', `/subjects/${subject}/versions`, { body: { schema: schema(field) } })
const health = async (url: string) => (await call(url, 'GET', '/health')).body

describe('several registries on one log', () => {
  it('take changes at any of them, one writes, and whoever answered can read what it answered', async () => {
    const [a, b, c] = (await startOn(new InMemoryKafka(), 3)) as [Told, Told, Told]
    for (const [index, { url }] of [b, a, c, b].entries()) {
      expect((await register(url, `f${index}`)).body).toMatchObject({ id: index + 1, version: index + 1 })
      expect((await call(url, 'GET', `/schemas/ids/${index + 1}`)).status).toBe(200)
    }
    expect((await register(c.url, 'f0')).body).toMatchObject({ id: 1, version: 1 })
    expect([a, b, c].map(({ registry }) => registry.isWriter)).toEqual([true, false, false])
    expect(await health(b.url)).toMatchObject({ status: 'up', role: 'follower', writer: { url: a.url } })
  })

  it('pass on whatever changes something, its path as it is, and the answer as it is', async () => {
    const [, b] = (await startOn(new InMemoryKafka(), 2)) as [Told, Told]
    for (const subject of ['a%2Fb', '%2E%2E', '%3A.ctx%3As', '%25']) {
      expect((await register(b.url, 'f', subject)).status).toBe(200)
      expect((await call(b.url, 'PUT', `/config/${subject}`, { body: { compatibility: 'FULL' } })).body).toMatchObject({
        compatibility: 'FULL',
      })
      expect((await call(b.url, 'DELETE', `/subjects/${subject}`)).body).toEqual([1])
      expect((await call(b.url, 'DELETE', `/subjects/${subject}`)).body).toMatchObject({ error_code: 40404 })
      expect((await call(b.url, 'DELETE', `/subjects/${subject}/versions/1?permanent=true`)).body).toBe(1)
    }
    expect((await call(b.url, 'PUT', '/config/s', { body: { compatibility: 'x' } })).body).toMatchObject({
      error_code: 42203,
    })
  })

  it('find a new writer when the old one has resigned, and when it has vanished', async () => {
    const kafka = new InMemoryKafka()
    const [a, b] = (await startOn(kafka, 2)) as [Told, Told]
    await register(a.url, 'f1')
    await a.close()
    expect((await register(b.url, 'f2')).body).toMatchObject({ id: 2 })
    expect(b.told).toContainEqual(expect.stringMatching(/^this registry writes from now on: no writer is known/))

    const vanished = { id: 'gone', url: 'http://127.0.0.1:1' }
    const log = new KafkaSchemaLog({ client: kafka })
    await log.open(() => undefined)
    await log.claim(vanished)
    expect((await register(b.url, 'f3')).body).toMatchObject({ id: 3 })
    expect(b.told).toContainEqual(expect.stringMatching(/^this registry was fenced/))
    expect(b.told.at(-1)).toMatch(
      /^this registry writes from now on: http:\/\/127.0.0.1:1 does not take changes: .*REFUSED/,
    )
    expect(b.registry.takeovers).toBe(2)
  })

  it('do not pass on twice: a follower answers 50004, which is also its answer to what was meant for another', async () => {
    const [a, b] = (await startOn(new InMemoryKafka(), 2)) as [Told, Told]
    const body = { schema: schema('f') }
    const passOn = ({ url }: Told, headers: Record<string, string>) =>
      call(url, 'POST', '/subjects/s/versions', { body, headers: { 'X-Forward': 'true', ...headers } })
    expect((await passOn(b, {})).body).toMatchObject({ error_code: 50004 })
    expect((await passOn(a, { 'x-keyfold-writer': 'an earlier one' })).body).toMatchObject({ error_code: 50004 })
    expect((await passOn(a, {})).body).toMatchObject({ id: 1 })
  })

  it('do not take for the writer what else listens at its address now', async () => {
    const kafka = new InMemoryKafka()
    const other = createServer((_, response) => response.end('{"id":77}')).listen(0, '127.0.0.1')
    closers.push(async () => other.close())
    await vi.waitFor(() => expect(other.listening).toBe(true))
    const log = new KafkaSchemaLog({ client: kafka })
    await log.open(() => undefined)
    await log.claim({ id: 'gone', url: `http://127.0.0.1:${(other.address() as AddressInfo).port}` })
    const [b] = (await startOn(kafka, 1)) as [Told]
    expect((await register(b.url, 'f')).body).toMatchObject({ id: 1 })
  })

  it('agree when many change something at once at all of them, while each takes over from the others', async () => {
    const kafka = new InMemoryKafka()
    const registries = (await startOn(kafka, 3)) as [Told, Told, Told]
    const registryAt = (index: number) => registries[index % 3] ?? registries[0]
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const { url, registry } = registryAt(index)
        if (index % 20 === 7) await registry.claim('a test').catch(() => undefined)
        return register(url, `f${index % 10}`)
      }),
    )
    const ids = new Map<number, Set<unknown>>()
    for (const [index, { body }] of answers.entries()) {
      const { id } = body as { readonly id?: unknown }
      ids.set(index % 10, (ids.get(index % 10) ?? new Set()).add(id))
    }
    expect([...ids.values()].map((given) => given.size)).toEqual(Array.from({ length: 10 }, () => 1))
    expect(
      [...ids.values()]
        .flatMap((given) => [...given])
        .map(Number)
        .sort((left, right) => left - right),
    ).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })
})

/** A follower's log that hears of nothing until it is asked to catch up. */
class LateLog extends MemorySchemaLog {
  readonly #held: (() => void)[] = []

  override open(apply: (record: LogRecord) => void): Promise<void> {
    return super.open((record) => this.#held.push(() => apply(record)))
  }

  override async catchUp(): Promise<void> {
    for (const deliver of this.#held.splice(0)) deliver()
  }
}

/** A log whose medium can be cut off. */
class BreakableLog extends MemorySchemaLog {
  reachable = Promise.resolve()

  override async append(writes: readonly LogWrite[]): Promise<number> {
    await this.reachable
    return super.append(writes)
  }
}

describe('a registry', () => {
  it('that follows looks for what it does not know before it says so', async () => {
    const topic = new MemorySchemaTopic()
    const writer = await start(new MemorySchemaLog(topic))
    const late = await start(new LateLog(topic))
    await register(writer.url, 'f')
    expect((await call(late.url, 'GET', '/schemas/ids/1')).status).toBe(200)
    await register(writer.url, 'g')
    expect((await call(late.url, 'POST', '/subjects/s', { body: { schema: schema('g') } })).status).toBe(200)
    expect((await call(late.url, 'GET', '/schemas/ids/3')).body).toMatchObject({ error_code: 40403 })
  })

  it('whose log does not answer refuses changes in time, answers from memory, and goes on afterwards', async () => {
    const log = new BreakableLog()
    const { url } = await start(log, { writeTimeoutMs: 100 })
    await register(url, 'f')
    const cut = Promise.withResolvers<void>()
    log.reachable = cut.promise
    const [started, waiting] = await Promise.all([register(url, 'g'), register(url, 'h')])
    expect(started).toMatchObject({ status: 500, body: { error_code: 50002 } })
    expect(started.body).toMatchObject({ message: expect.stringContaining('the change may still be written') })
    expect(waiting.body).toMatchObject({ message: expect.stringContaining('nothing of this one was written') })
    expect((await call(url, 'GET', '/schemas/ids/1')).status).toBe(200)
    expect((await call(url, 'GET', '/health')).status).toBe(200)
    cut.resolve()
    await vi.waitFor(async () => expect((await call(url, 'GET', '/subjects/s/versions')).body).toEqual([1, 2]))
    expect((await register(url, 'i')).body).toMatchObject({ id: 3, version: 3 })
  })

  it('says how it is: health, readiness and metrics', async () => {
    const { url } = await start(new MemorySchemaLog())
    await register(url, 'f')
    expect(await health(url)).toMatchObject({ status: 'up', role: 'writer', url, writer: { url }, skippedRecords: {} })
    expect((await call(url, 'GET', '/ready')).body).toEqual({ ready: true })
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('\nkeyfold_registry_writer 1\n')
    expect(metrics).toContain('\nkeyfold_registry_subjects 1\n')
    expect(metrics).toMatch(/\nkeyfold_registry_answers_total\{status="200"\} 3\n/)
  })
})
