import { checkLevel, type ParsedSchema, parseSchema, resolveReferences } from '@keyfold/avro'
import { fail } from '../errors.ts'
import type { RegistrySchema, SchemaRegistryClient } from '../codec/schema-registry-client.ts'

/** A schema registry in memory, for tests: ids per text, versions per subject, BACKWARD_TRANSITIVE. */
export class MemorySchemaRegistry implements SchemaRegistryClient {
  readonly url = 'memory:'
  /** Schemas with their references, as JSON. */
  readonly #schemas: string[] = []
  readonly #subjects = new Map<string, string[]>()
  /** How often each kind of call was made. */
  readonly calls = { find: 0, register: 0, schema: 0, version: 0 }
  reachable = true

  async find(subject: string, schema: RegistrySchema) {
    this.calls.find++
    this.#refuseUnreachable()
    const version = (this.#subjects.get(subject) ?? []).indexOf(keyOf(schema)) + 1
    return version === 0 ? undefined : { version, id: this.#schemas.indexOf(keyOf(schema)) + 1 }
  }

  async versions(subject: string) {
    this.#refuseUnreachable()
    return (this.#subjects.get(subject) ?? []).map((key, index) => {
      return { version: index + 1, id: this.#schemas.indexOf(key) + 1, ...schemaOf(key) }
    })
  }

  async version(subject: string, version: number): Promise<RegistrySchema | undefined> {
    this.calls.version++
    this.#refuseUnreachable()
    return this.#find(subject, version)
  }

  async subjectExists(subject: string): Promise<boolean> {
    this.#refuseUnreachable()
    return this.#subjects.has(subject)
  }

  async register(subject: string, schema: RegistrySchema): Promise<number> {
    this.calls.register++
    this.#refuseUnreachable()
    const key = keyOf(schema)
    const versions = this.#subjects.get(subject) ?? []
    const history = versions.map((each, index) => ({ version: index + 1, schema: this.#parsed(schemaOf(each)) }))
    if (!checkLevel('BACKWARD_TRANSITIVE', this.#parsed(schema), history).compatible)
      throw fail('SCHEMA_INCOMPATIBLE', 'Schema being registered is incompatible with an earlier schema')
    if (!versions.includes(key)) this.#subjects.set(subject, [...versions, key])
    if (!this.#schemas.includes(key)) this.#schemas.push(key)
    return this.#schemas.indexOf(key) + 1
  }

  async schema(id: number): Promise<RegistrySchema | undefined> {
    this.calls.schema++
    this.#refuseUnreachable()
    const key = this.#schemas[id - 1]
    return key === undefined ? undefined : schemaOf(key)
  }

  #find(subject: string, version: number): RegistrySchema | undefined {
    const key = this.#subjects.get(subject)?.[version - 1]
    return key === undefined ? undefined : schemaOf(key)
  }

  #parsed({ schema, references }: RegistrySchema): ParsedSchema {
    const { texts } = resolveReferences(
      references,
      ({ subject, version }) => {
        const found = this.#find(subject, version)
        return found && { subject, version, ...found }
      },
      { subject: '' },
    )
    return parseSchema(schema, { references: texts })
  }

  #refuseUnreachable(): void {
    if (!this.reachable) throw fail('REGISTRY_UNREACHABLE', `the schema registry at ${this.url} is away`)
  }
}

function keyOf({ schema, references }: RegistrySchema): string {
  return JSON.stringify({ schema, references })
}

function schemaOf(key: string): RegistrySchema {
  return JSON.parse(key) as RegistrySchema
}
