import { request as httpRequest } from 'node:http'
import { MemorySchemaLog, MemorySchemaTopic } from '../log/memory-schema-log.ts'
import { type RunningRegistry, startRegistry, type StartRegistryOptions } from '../http/start-registry.ts'

export const TYPE = 'application/vnd.schemaregistry.v1+json'
/** When every record of the topic was written. */
export const TIME_MS = 1_700_000_000_000

export interface Answer {
  readonly status: number
  readonly type: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The JSON of the text; undefined when it is none. */
  readonly body: unknown
}

/** A registry in memory behind a real socket. */
export class RegistryUnderTest {
  readonly topic: MemorySchemaTopic
  readonly #running: RunningRegistry

  private constructor(topic: MemorySchemaTopic, running: RunningRegistry) {
    this.topic = topic
    this.#running = running
  }

  static async start(topic = new MemorySchemaTopic(), options: Partial<StartRegistryOptions> = {}) {
    const log = new MemorySchemaLog(topic, () => TIME_MS)
    return new RegistryUnderTest(topic, await startRegistry({ ...options, log, port: 0 }))
  }

  get url(): string {
    return this.#running.url
  }

  close(): Promise<void> {
    return this.#running.close()
  }

  /** One request over a real socket, its path sent as it is; a text or bytes as body, too. */
  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(this.url + path, { method, headers: { 'content-type': TYPE, ...headers } })
      request.on('error', reject)
      request.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const { statusCode: status = 0, headers: all } = response
          resolve({ status, type: all['content-type'], headers: all, text, body: json(text) })
        })
      })
      request.end(typeof body === 'string' || body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body))
    })
  }

  /** The body of a GET. */
  async get(path: string): Promise<unknown> {
    return (await this.call('GET', path)).body
  }

  /** Registers a schema; its answer's body. */
  async register(subject: string, schema: unknown, more: object = {}, query = ''): Promise<Record<string, unknown>> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions${query}`
    const text = typeof schema === 'string' ? schema : JSON.stringify(schema)
    return (await this.call('POST', path, { schema: text, ...more })).body as Record<string, unknown>
  }

  /** What compaction would leave of the topic: of every key the last record, and nothing of deleted ones. */
  compacted(): MemorySchemaTopic {
    const topic = new MemorySchemaTopic()
    const last = new Map(this.topic.records.map((record) => [record.key.toString('hex'), record]))
    topic.records.push(...[...last.values()].filter(({ value }) => value !== null).sort((a, b) => a.offset - b.offset))
    return topic
  }
}

/** A record `name` with int fields, all but the first with a default. */
export function record(fields: number, name = 'R', more: object = {}): string {
  const list = Array.from({ length: fields }, (_, index) => ({
    name: `f${index}`,
    type: 'int',
    ...(index === 0 ? {} : { default: 0 }),
  }))
  return JSON.stringify({ type: 'record', name, fields: list, ...more })
}

export function refusal(code: number, message: unknown): { readonly error_code: number; readonly message: unknown } {
  return { error_code: code, message }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
