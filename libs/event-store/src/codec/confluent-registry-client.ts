import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { fail } from '../errors.ts'
import type { RegisteredVersion, RegistrySchema, SchemaRegistryClient } from './schema-registry-client.ts'

type RegistryArguments = ConstructorParameters<typeof SchemaRegistry>[0]
type Middleware = NonNullable<RegistryArguments['middlewares']>[number]

/** A version as the registry sends it: without references when there are none. */
type SentVersion = Omit<RegisteredVersion, 'references'> & Partial<Pick<RegisteredVersion, 'references'>>

const contentType = 'application/vnd.schemaregistry.v1+json'

/** The registry port on @kafkajs/confluent-schema-registry: its HTTP calls only, none of its codec. */
export class ConfluentRegistryClient implements SchemaRegistryClient {
  readonly url: string
  readonly #timeoutMs: number
  readonly #base: string
  readonly #client: SchemaRegistry
  /** Schemas as the registry sent them: the client itself would give them back without logical types. */
  readonly #schemas = new Map<number, RegistrySchema>()

  constructor(url: string, timeoutMs: number) {
    this.url = url
    this.#timeoutMs = timeoutMs
    this.#base = url.replace(/\/+$/, '')
    this.#client = new SchemaRegistry({
      host: this.#base,
      retry: { retries: 2, initialRetryTimeInSecs: 0.05, maxRetryTimeInSecs: 1 },
      middlewares: [this.#keepingSchemas()],
    })
  }

  async find(subject: string, { schema, references }: RegistrySchema) {
    // The client would leave the references out.
    const body = references.length === 0 ? { schema } : { schema, references }
    const found = await this.#ask<SentVersion>(`/subjects/${encodeURIComponent(subject)}`, body)
    return found === undefined ? undefined : { id: found.id, version: found.version }
  }

  async subjectExists(subject: string): Promise<boolean> {
    try {
      await this.#asking(`the latest version of ${subject}`, () => this.#client.getLatestSchemaId(subject))
      return true
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }

  async versions(subject: string): Promise<readonly RegisteredVersion[]> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const numbers = await this.#ask<readonly number[]>(path)
    if (numbers === undefined) return []
    const held = await Promise.all(numbers.map((version) => this.#ask<SentVersion>(`${path}/${version}`)))
    // A version that was deleted between the two questions is none any more.
    return held
      .flatMap((found) => found ?? [])
      .map(({ version, id, schema, references = [] }) => ({ version, id, schema, references }))
  }

  async version(subject: string, version: number): Promise<RegistrySchema | undefined> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`
    const found = await this.#ask<SentVersion>(path)
    return found === undefined ? undefined : { schema: found.schema, references: found.references ?? [] }
  }

  async register(subject: string, { schema, references }: RegistrySchema): Promise<number> {
    const { id } = await this.#asking(`to register a version of ${subject}`, () =>
      this.#client.register(
        { type: SchemaType.AVRO, schema, ...(references.length > 0 && { references: [...references] }) },
        // Without it the client would lower the subject to BACKWARD.
        { subject, compatibility: COMPATIBILITY.BACKWARD_TRANSITIVE },
      ),
    )
    return id
  }

  async schema(id: number): Promise<RegistrySchema | undefined> {
    // What the client keeps of a schema is not its text.
    this.#client.cache.clear()
    try {
      await this.#asking(`schema ${id}`, () => this.#client.getSchema(id))
    } catch (error) {
      // The client also compiles the schema by its own rules: what it makes of it does not matter here.
      if (!this.#schemas.has(id)) {
        if (isNotFound(error)) return undefined
        throw error
      }
    }
    const schema = this.#schemas.get(id)
    this.#schemas.delete(id)
    return schema
  }

  /** A question that the client has no call for; undefined when there is no such thing. */
  async #ask<Answer>(path: string, body?: object): Promise<Answer | undefined> {
    const what = `${body === undefined ? 'GET' : 'POST'} ${path}`
    let response: Response
    try {
      response = await fetch(this.#base + path, {
        headers: { accept: contentType, 'content-type': contentType },
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(this.#timeoutMs),
      })
      if (response.ok) return (await response.json()) as Answer
    } catch (error) {
      const { name, message, cause } = error as Error
      if (name === 'TimeoutError') throw this.#unreachable(what, `no answer within ${this.#timeoutMs} ms`)
      throw this.#unreachable(what, cause instanceof Error ? cause.message : message)
    }
    const text = await response.text()
    if (response.status === 404) return undefined
    if (response.status >= 500) throw this.#unreachable(what, `status ${response.status}: ${text}`)
    throw fail('REGISTRY_REFUSED', `${what}: ${text}`, { details: { status: response.status } })
  }

  #keepingSchemas(): Middleware {
    return () => ({
      response: async (next) => {
        const response = await next()
        const id = Number(/\/schemas\/ids\/(\d+)/.exec(response.request().url())?.[1] ?? Number.NaN)
        const { schema, references = [] } = response.data<Partial<RegistrySchema>>()
        if (!Number.isSafeInteger(id) || typeof schema !== 'string') return response
        this.#schemas.set(id, { schema, references })
        // The client would follow the references for its own codec.
        return response.enhance({ rawData: JSON.stringify({ schema }) })
      },
    })
  }

  async #asking<Answer>(what: string, ask: () => Promise<Answer>): Promise<Answer> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => reject(this.#unreachable(what, `no answer within ${this.#timeoutMs} ms`)),
      this.#timeoutMs,
    )
    try {
      return await Promise.race([ask(), late])
    } catch (error) {
      throw this.#refusal(what, error)
    } finally {
      clearTimeout(timer)
    }
  }

  #refusal(what: string, error: unknown): unknown {
    if (!(error instanceof Error) || isNotFound(error)) return error
    const status = (error as { status?: number }).status
    if (status === undefined) {
      // The client's own complaint, for instance that the subject has another compatibility level.
      return 'code' in error
        ? error
        : fail('REGISTRY_REFUSED', `${what} from ${this.url}: ${error.message}`, { cause: error })
    }
    const message = error.message.replace(/^Confluent_Schema_Registry - /, '')
    const lost =
      /^Error, status \d+: (.*(?:ECONN|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|socket hang up|Timeout).*)$/s
    const reason = lost.exec(message)?.[1]
    if (reason !== undefined) return this.#unreachable(what, reason)
    if (status >= 500) return this.#unreachable(what, `status ${status}: ${message}`)
    const code = status === 409 ? 'SCHEMA_INCOMPATIBLE' : 'REGISTRY_REFUSED'
    return fail(code, message, { cause: error, details: { status } })
  }

  #unreachable(what: string, reason: string): Error {
    return fail('REGISTRY_UNREACHABLE', `the schema registry at ${this.url} was asked for ${what}: ${reason}`, {
      details: { url: this.url },
    })
  }
}

function isNotFound(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // The client hides the status of one of its calls behind an error of its own.
  return error.name === 'ConfluentSchemaRegistryError' || (error as { status?: number }).status === 404
}
