import {
  avroType,
  type AvroType,
  parseSchema,
  type ReferencedVersion,
  resolveReferences,
  type SchemaReference,
} from '@keyfold/avro'
import { CliError } from '../cli-error.ts'
import type { RegistryClient } from '../registry-client.ts'

export interface RegisteredType {
  readonly id: number
  readonly type: AvroType
}

/** A run never needs more schemas than this at once; ids beyond are fetched again. */
const TYPES_MAX = 1_000

/** Schemas of a registry, fetched once each and compiled. */
export class RegisteredSchemas {
  readonly #registry: RegistryClient
  readonly #types = new Map<number, Promise<AvroType>>()

  constructor(registry: RegistryClient) {
    this.#registry = registry
  }

  /** Errors: `REGISTRY_UNREACHABLE`, `SCHEMA_NOT_FOUND`, `SCHEMA_NOT_AVRO`. */
  withId(id: number): Promise<AvroType> {
    let type = this.#types.get(id)
    if (type === undefined) {
      if (this.#types.size >= TYPES_MAX) this.#types.clear()
      this.#types.set(id, (type = this.#fetch(`/schemas/ids/${id}`, `schema ${id}`)))
    }
    return type
  }

  /** The newest version of a subject. Errors: as `withId`. */
  async newestOf(subject: string): Promise<RegisteredType> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/latest`
    const answer = await this.#registry.get(path)
    if (!isVersion(answer)) throw notFound(`subject ${subject}`, this.#registry.url)
    return { id: answer.id, type: await this.withId(answer.id) }
  }

  async #fetch(path: string, what: string): Promise<AvroType> {
    const answer = await this.#registry.get(path)
    if (!isSchema(answer)) throw notFound(what, this.#registry.url)
    const { schema, schemaType = 'AVRO', references = [] } = answer
    if (schemaType !== 'AVRO') throw new CliError('SCHEMA_NOT_AVRO', `${what} is of type ${schemaType}`)
    if (references.length === 0) return avroType(schema)
    const versions = new Map<string, ReferencedVersion>()
    await this.#collect(references, versions)
    const find = ({ subject, version }: SchemaReference) => versions.get(`${subject} ${version}`)
    const { texts } = resolveReferences(references, find, { subject: '' })
    return avroType(parseSchema(schema, { references: texts }))
  }

  async #collect(references: readonly SchemaReference[], into: Map<string, ReferencedVersion>): Promise<void> {
    for (const { subject, version } of references) {
      const key = `${subject} ${version}`
      if (into.has(key)) continue
      const answer = await this.#registry.get(`/subjects/${encodeURIComponent(subject)}/versions/${version}`)
      if (!isVersion(answer)) throw notFound(`version ${version} of subject ${subject}`, this.#registry.url)
      const { schema, references: further = [] } = answer
      into.set(key, { subject, version, schema, references: further })
      await this.#collect(further, into)
    }
  }
}

interface SchemaAnswer {
  readonly schema: string
  readonly schemaType?: string
  readonly references?: readonly SchemaReference[]
}

function isSchema(answer: unknown): answer is SchemaAnswer {
  return typeof answer === 'object' && answer !== null && 'schema' in answer && typeof answer.schema === 'string'
}

function isVersion(answer: unknown): answer is SchemaAnswer & { readonly id: number } {
  return isSchema(answer) && 'id' in answer && typeof answer.id === 'number'
}

function notFound(what: string, url: string): CliError {
  return new CliError('SCHEMA_NOT_FOUND', `the registry at ${url} has no ${what}`)
}
