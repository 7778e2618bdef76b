import type { SchemaReference } from '@keyfold/avro'
import type { EventSchemaVersion, SharedType, TypeReference } from '@keyfold/eventsourcing'
import { type RegistrationPolicy, registerVersion } from './registration.ts'
import type { RegistrySchema, SchemaRegistryClient } from './schema-registry-client.ts'
import { typeOfVersion } from './type-of-version.ts'

/** A schema as it may be sent to the registry: its references by the numbers that the registry has for them. */
type Sendable = RegistrySchema | undefined

/**
 * Where the types that schemas of the code refer to stand in the registry. A registry may count versions otherwise than
 * the code, so they are looked for by their content; what was found is not asked for again.
 */
export class SharedTypes {
  readonly #registry: SchemaRegistryClient
  /** By type, then by subject and version. */
  readonly #numbers = new Map<SharedType, Map<string, Promise<number | undefined>>>()

  constructor(registry: SchemaRegistryClient) {
    this.#registry = registry
  }

  /**
   * A version as the registry would have it; undefined when something that it refers to is not registered, and may not be
   * by this policy. Errors: `SCHEMA_INCOMPATIBLE`, `REGISTRY_UNREACHABLE`.
   */
  async sendable(version: EventSchemaVersion, policy: RegistrationPolicy): Promise<Sendable> {
    const references: SchemaReference[] = []
    for (const reference of version.references ?? []) {
      const number = await this.#numberOnce(reference, policy)
      if (number === undefined) return undefined
      references.push({ name: reference.type.name, subject: reference.subject, version: number })
    }
    return { schema: typeOfVersion(version).schema, references }
  }

  async #numberOnce(reference: TypeReference, policy: RegistrationPolicy): Promise<number | undefined> {
    const { type, subject, version } = reference
    const numbers = this.#numbers.get(type) ?? new Map<string, Promise<number | undefined>>()
    this.#numbers.set(type, numbers)
    const place = `${version} ${policy} ${subject}`
    const known = numbers.get(place)
    if (known !== undefined) return known
    const forget = () => numbers.delete(place)
    const finding = this.#number(reference, policy)
    numbers.set(place, finding)
    finding.then((number) => number ?? forget(), forget)
    return finding
  }

  async #number({ type, subject, version }: TypeReference, policy: RegistrationPolicy): Promise<number | undefined> {
    const known = type.versions.find((each) => each.version === version)
    if (known === undefined) throw new TypeError(`${type.name} has no version ${version}`)
    const found = await this.#find(known, subject)
    if (found !== undefined || policy === 'none') return found
    if (policy === 'initial' && (await this.#registry.subjectExists(subject))) return undefined
    const history = type.versions.filter((each) => each.version <= version)
    for (const earlier of history) {
      // In the order in which they were made: the registry judges each by those before it.
      const schema = await this.sendable(earlier, policy)
      if (schema === undefined) return undefined
      await registerVersion(this.#registry, { subject, versions: history.map(typed) }, { ...earlier, ...schema })
    }
    return this.#find(known, subject)
  }

  async #find(version: EventSchemaVersion, subject: string): Promise<number | undefined> {
    const schema = await this.sendable(version, 'none')
    return schema === undefined ? undefined : (await this.#registry.find(subject, schema))?.version
  }
}

function typed(version: EventSchemaVersion) {
  return { version: version.version, type: typeOfVersion(version) }
}
