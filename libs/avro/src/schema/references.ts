import { AvroError, invalidSchema } from '../errors.ts'
import { SCHEMA_LIMITS } from './limits.ts'

/** What a schema says about another one it uses: the name it uses, and where that is registered. */
export interface SchemaReference {
  /** Full name of the type. */
  readonly name: string
  readonly subject: string
  /** -1 stands for the newest. */
  readonly version: number
}

/** A registered version, as far as references need it. */
export interface ReferencedVersion {
  readonly subject: string
  readonly version: number
  /** Text of the schema. */
  readonly schema: string
  readonly references: readonly SchemaReference[]
}

/** `from` is the subject whose reference is followed: its context is that of an unqualified subject. */
export type FindReferenced = (reference: SchemaReference, from: string) => ReferencedVersion | undefined

export interface ResolvedReferences {
  /** As they were given, -1 replaced by the version it stood for: what is stored and hashed. */
  readonly references: readonly SchemaReference[]
  /** Texts of all schemas that are needed, each after those that it needs itself: for `parseSchema`. */
  readonly texts: readonly string[]
}

export interface ReferenceRules {
  /** Subject of the schema that has the references. */
  readonly subject: string
  /** Refuse two versions of one name in all that is needed. Otherwise the first one that is met counts. */
  readonly strictVersions?: boolean
}

/**
 * Collects the schemas that references need, depth first and each name once. Throws `AVRO_SCHEMA_INVALID` for one that
 * is not found or, with `strictVersions`, that is needed in two versions; `AVRO_SCHEMA_TOO_LARGE` for too many.
 */
export function resolveReferences(
  references: readonly SchemaReference[],
  find: FindReferenced,
  rules: ReferenceRules,
): ResolvedReferences {
  const walk = new ReferenceWalk(find, rules.strictVersions ?? false)
  const resolved = walk.follow(references, rules.subject)
  return { references: resolved, texts: walk.texts }
}

class ReferenceWalk {
  readonly texts: string[] = []
  readonly #find: FindReferenced
  readonly #strictVersions: boolean
  /** Versions by name. A name is met before its own references are, so that circles end. */
  readonly #met = new Map<string, number>()

  constructor(find: FindReferenced, strictVersions: boolean) {
    this.#find = find
    this.#strictVersions = strictVersions
  }

  follow(references: readonly SchemaReference[], from: string): readonly SchemaReference[] {
    return references.map((reference) => {
      const found = this.#find(reference, from)
      if (!found) throw notFound(reference)
      const { version } = found
      const earlier = this.#met.get(reference.name)
      if (earlier === undefined) {
        this.#met.set(reference.name, version)
        if (this.#met.size > SCHEMA_LIMITS.referencesMax) throw tooMany()
        this.follow(found.references, found.subject)
        this.texts.push(found.schema)
      } else if (this.#strictVersions && earlier !== version) {
        const both = `version ${earlier} and version ${version}`
        throw invalidSchema(`Conflicting reference versions for "${reference.name}": ${both}`)
      }
      return { ...reference, version }
    })
  }
}

function notFound({ subject, version }: SchemaReference) {
  return invalidSchema(`No schema reference found for subject "${subject}" and version ${version}`)
}

function tooMany(): AvroError {
  return new AvroError('AVRO_SCHEMA_TOO_LARGE', `The schema needs more than ${SCHEMA_LIMITS.referencesMax} others`, {
    fix: 'Reference fewer schemas.',
  })
}

/** References in the form that `normalize=true` stores: sorted by subject and version, each once. */
export function normalizedReferences(references: readonly SchemaReference[]): readonly SchemaReference[] {
  const distinct = new Map(references.map((reference) => [JSON.stringify(identityOf(reference)), reference]))
  return [...distinct.values()].sort(
    (left, right) =>
      (left.subject < right.subject ? -1 : left.subject > right.subject ? 1 : 0) || left.version - right.version,
  )
}

function identityOf({ name, subject, version }: SchemaReference): readonly (string | number)[] {
  return [name, subject, version]
}
