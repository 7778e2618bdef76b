import {
  AvroError,
  type CompatibilityLevel,
  COMPATIBILITY_LEVELS,
  parseSchema,
  type ReferencedVersion,
  resolveReferences,
  type SchemaReference,
} from '@keyfold/avro'
import { CliError } from '../cli-error.ts'
import type { RegistryClient } from '../registry-client.ts'
import type { HistoryVersion } from './event-history.ts'

/** One version of a subject, as a registry holds it. */
export interface RegisteredVersion extends HistoryVersion {
  readonly subject: string
  readonly id: number
  readonly isDeleted: boolean
}

export interface RegisteredHistory {
  readonly subject: string
  /** Softly deleted ones included; oldest first. */
  readonly versions: readonly RegisteredVersion[]
}

/** The histories of a registry, each version fetched once. Errors of all: `REGISTRY_UNREACHABLE`, `REGISTRY_REFUSED`. */
export class RegisteredHistories {
  readonly #registry: RegistryClient
  readonly #fetched = new Map<string, VersionAnswer>()

  constructor(registry: RegistryClient) {
    this.#registry = registry
  }

  /** Names of all subjects, in order. */
  async subjects(): Promise<readonly string[]> {
    const answer = await this.#registry.get('/subjects')
    return isListOf(answer, (each) => typeof each === 'string') ? answer.toSorted() : []
  }

  /** Undefined when the registry has never heard of the subject. Errors: `SCHEMA_NOT_AVRO`, `AVRO_SCHEMA_INVALID`. */
  async history(subject: string): Promise<RegisteredHistory | undefined> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const all = await this.#registry.get(`${path}?deleted=true`)
    if (!isListOf(all, (each) => typeof each === 'number')) return undefined
    const live = (await this.#registry.get(path)) ?? []
    const versions: RegisteredVersion[] = []
    for (const version of all.toSorted((left, right) => left - right))
      versions.push(await this.#version(subject, version, !isListOf(live, isNumber) || !live.includes(version)))
    return { subject, versions }
  }

  /** A subject with its live versions, of any kind of schema. */
  async summary(subject: string): Promise<{ subject: string; fullName: string; versions: readonly number[] }> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const versions = await this.#registry.get(path)
    const newest = await this.#registry.get(`${path}/latest`)
    const { schemaType = 'AVRO' } = Object(newest) as { readonly schemaType?: string }
    const isAvro = isVersion(newest) && schemaType === 'AVRO'
    const fullName = isAvro ? typeNameIn(newest.schema) : schemaType
    return { subject, fullName, versions: isListOf(versions, isNumber) ? versions : [] }
  }

  /** The level that is set on a subject, and the one that holds for it. */
  async level(
    subject: string,
  ): Promise<{ readonly own: CompatibilityLevel | undefined; readonly effective: CompatibilityLevel }> {
    const own = levelIn(await this.#registry.get(`/config/${encodeURIComponent(subject)}`))
    return { own, effective: own ?? levelIn(await this.#registry.get('/config')) ?? 'BACKWARD' }
  }

  async #version(subject: string, version: number, isDeleted: boolean): Promise<RegisteredVersion> {
    const { schema, references, id } = await this.#fetch(subject, version)
    const file = `${subject} version ${version}`
    const referenced = new Map<string, ReferencedVersion>()
    await this.#collect(references, referenced)
    const { texts } = resolveReferences(references, (each) => referenced.get(`${each.subject} ${each.version}`), {
      subject,
    })
    const source = texts.length === 0 ? { text: schema } : { text: schema, references: texts }
    return { subject, version, id, isDeleted, file, source, references, parsed: parsed(schema, texts, file) }
  }

  async #collect(references: readonly SchemaReference[], into: Map<string, ReferencedVersion>): Promise<void> {
    for (const { subject, version } of references) {
      const key = `${subject} ${version}`
      if (into.has(key)) continue
      const { schema, references: further } = await this.#fetch(subject, version)
      into.set(key, { subject, version, schema, references: further })
      await this.#collect(further, into)
    }
  }

  async #fetch(subject: string, version: number): Promise<VersionAnswer> {
    const key = `${subject} ${version}`
    const known = this.#fetched.get(key)
    if (known !== undefined) return known
    const answer = await this.#registry.get(`/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`)
    if (!isVersion(answer))
      throw new CliError(
        'SCHEMA_NOT_FOUND',
        `the registry at ${this.#registry.url} has no version ${version} of ${subject}`,
      )
    const { schemaType = 'AVRO', references = [], schema, id } = answer
    if (schemaType !== 'AVRO')
      throw new CliError('SCHEMA_NOT_AVRO', `version ${version} of ${subject} is of type ${schemaType}`)
    const fetched = { schema, id, references }
    this.#fetched.set(key, fetched)
    return fetched
  }
}

interface VersionAnswer {
  readonly schema: string
  readonly id: number
  readonly references: readonly SchemaReference[]
}

function parsed(schema: string, references: readonly string[], file: string) {
  try {
    return parseSchema(schema, { references })
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    throw new AvroError(error.code, `${file}: ${error.message}`, { fix: error.fix })
  }
}

/** The name that a schema begins with: what it refers to is not needed for it. */
function typeNameIn(schema: string): string {
  const root: unknown = JSON.parse(schema)
  if (typeof root !== 'object' || root === null || Array.isArray(root))
    return Array.isArray(root) ? 'union' : String(root)
  const { name, namespace, type } = root as {
    readonly name?: unknown
    readonly namespace?: unknown
    readonly type?: unknown
  }
  if (typeof name !== 'string') return String(type)
  return name.includes('.') || typeof namespace !== 'string' || namespace === '' ? name : `${namespace}.${name}`
}

function isVersion(answer: unknown): answer is Omit<VersionAnswer, 'references'> & {
  readonly schemaType?: string
  readonly references?: readonly SchemaReference[]
} {
  const { schema, id } = Object(answer) as Partial<VersionAnswer>
  return typeof schema === 'string' && typeof id === 'number'
}

function levelIn(answer: unknown): CompatibilityLevel | undefined {
  const { compatibilityLevel } = Object(answer) as { readonly compatibilityLevel?: unknown }
  return COMPATIBILITY_LEVELS.find((level) => level === compatibilityLevel)
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

function isListOf<Item>(value: unknown, is: (item: unknown) => item is Item): value is readonly Item[] {
  return Array.isArray(value) && value.every(is)
}
