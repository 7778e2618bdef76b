import { avroType, checkLevel } from '@keyfold/avro'
import { fail } from '../errors.ts'
import type { SchemaRegistryClient } from '../codec/schema-registry-client.ts'

/** A schema registry in memory, for tests: ids per text, versions per subject, BACKWARD_TRANSITIVE. */
export class MemorySchemaRegistry implements SchemaRegistryClient {
  readonly url = 'memory:'
  readonly #texts: string[] = []
  readonly #subjects = new Map<string, string[]>()
  /** How often each kind of call was made. */
  readonly calls = { findId: 0, register: 0, schemaText: 0 }
  reachable = true

  async findId(subject: string, schemaText: string): Promise<number | undefined> {
    this.calls.findId++
    this.#refuseUnreachable()
    return this.#subjects.get(subject)?.includes(schemaText) === true ? this.#texts.indexOf(schemaText) + 1 : undefined
  }

  async versions(subject: string) {
    this.#refuseUnreachable()
    const texts = this.#subjects.get(subject) ?? []
    return texts.map((schema, index) => ({ version: index + 1, id: this.#texts.indexOf(schema) + 1, schema }))
  }

  async subjectExists(subject: string): Promise<boolean> {
    this.#refuseUnreachable()
    return this.#subjects.has(subject)
  }

  async register(subject: string, schemaText: string): Promise<number> {
    this.calls.register++
    this.#refuseUnreachable()
    const versions = this.#subjects.get(subject) ?? []
    const history = versions.map((text, index) => ({ version: index + 1, schema: avroType(text).parsed }))
    if (!checkLevel('BACKWARD_TRANSITIVE', avroType(schemaText).parsed, history).compatible)
      throw fail('SCHEMA_INCOMPATIBLE', 'Schema being registered is incompatible with an earlier schema')
    if (!versions.includes(schemaText)) this.#subjects.set(subject, [...versions, schemaText])
    if (!this.#texts.includes(schemaText)) this.#texts.push(schemaText)
    return this.#texts.indexOf(schemaText) + 1
  }

  async schemaText(id: number): Promise<string | undefined> {
    this.calls.schemaText++
    this.#refuseUnreachable()
    return this.#texts[id - 1]
  }

  #refuseUnreachable(): void {
    if (!this.reachable) throw fail('REGISTRY_UNREACHABLE', `the schema registry at ${this.url} is away`)
  }
}
