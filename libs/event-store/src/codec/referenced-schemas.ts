import { type ParsedSchema, parseSchema, resolveReferences, SCHEMA_LIMITS, type SchemaReference } from '@keyfold/avro'
import type { RegistrySchema, SchemaRegistryClient } from './schema-registry-client.ts'

/** This many versions that others refer to are kept at most, oldest dropped first. */
const keptVersions = 4_096

/** Parses registered schemas with all that they refer to. What a version is never changes, so it is fetched once. */
export class ReferencedSchemas {
  readonly #registry: SchemaRegistryClient
  readonly #versions = new Map<string, Promise<RegistrySchema | undefined>>()

  constructor(registry: SchemaRegistryClient) {
    this.#registry = registry
  }

  /**
   * Errors: `AVRO_SCHEMA_INVALID` and `AVRO_SCHEMA_TOO_LARGE`, also of what is referred to; those of the registry.
   */
  async parse({ schema, references }: RegistrySchema): Promise<ParsedSchema> {
    if (references.length === 0) return parseSchema(schema)
    const found = await this.#collect(references)
    const { texts } = resolveReferences(
      references,
      (reference) => {
        const { subject, version } = reference
        const known = found.get(placeOf(reference))
        return known === undefined ? undefined : { subject, version, ...known }
      },
      { subject: '' },
    )
    return parseSchema(schema, { references: texts })
  }

  /** Everything that is needed, level by level; no more than a schema may have, so that circles and heaps of it end. */
  async #collect(references: readonly SchemaReference[]): Promise<ReadonlyMap<string, RegistrySchema>> {
    const found = new Map<string, RegistrySchema>()
    const asked = new Set<string>()
    let next = references
    while (next.length > 0 && asked.size <= SCHEMA_LIMITS.referencesMax) {
      const fresh = [...new Map(next.map((each) => [placeOf(each), each]))].filter(([place]) => !asked.has(place))
      const answers = await Promise.all(
        fresh.slice(0, SCHEMA_LIMITS.referencesMax + 1).map(async ([place, reference]) => {
          asked.add(place)
          return [place, await this.#fetchOnce(reference)] as const
        }),
      )
      for (const [place, schema] of answers) if (schema !== undefined) found.set(place, schema)
      next = answers.flatMap(([, schema]) => schema?.references ?? [])
    }
    return found
  }

  #fetchOnce(reference: SchemaReference): Promise<RegistrySchema | undefined> {
    const place = placeOf(reference)
    const known = this.#versions.get(place)
    if (known !== undefined) return known
    const forget = () => this.#versions.delete(place)
    const fetching = this.#registry.version(reference.subject, reference.version)
    this.#versions.set(place, fetching)
    const [oldest] = this.#versions.keys()
    if (this.#versions.size > keptVersions && oldest !== undefined) this.#versions.delete(oldest)
    // What is not there, or could not be asked for, may be there later.
    fetching.then((schema) => schema ?? forget(), forget)
    return fetching
  }
}

function placeOf({ subject, version }: SchemaReference): string {
  return `${version} ${subject}`
}
