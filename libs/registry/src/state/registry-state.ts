import { COMPATIBILITY_LEVELS, type CompatibilityLevel } from '@keyfold/avro'
import { type LogRecord, parseKey, parseObject, parseSchemaValue, type SchemaKey } from './schema-record.ts'
import { Settings } from './settings.ts'
import { guidOf, type StoredSchema } from './stored-schema.ts'

export const MODES = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT', 'FORWARD'] as const
export type Mode = (typeof MODES)[number]

interface SubjectState {
  readonly versions: Map<number, StoredSchema>
  /** The highest version that ever was, also of versions deleted for good. */
  versionMax: number
}

/**
 * Everything the registry knows, as a fold over the records of its log. Nothing else changes it: a restart, a follower
 * and the writer all come to the same state.
 */
export class RegistryState {
  readonly #subjects = new Map<string, SubjectState>()
  readonly #levels = new Settings<CompatibilityLevel>('compatibilityLevel', COMPATIBILITY_LEVELS)
  readonly #modes = new Settings<Mode>('mode', MODES)
  /** What an id means, for ever: also after the last version with it is gone. */
  readonly #guidsById = new Map<number, string>()
  readonly #idsByGuid = new Map<string, number>()
  /** One version with the id, the last that was written. It may be gone by now. */
  readonly #lastById = new Map<number, StoredSchema>()
  readonly #defaultLevel: CompatibilityLevel
  #idMax = 0

  constructor(defaultLevel: CompatibilityLevel) {
    this.#defaultLevel = defaultLevel
  }

  apply(record: LogRecord): void {
    const key = parseKey(record.key)
    if (!key) return
    switch (key.keytype) {
      case 'SCHEMA':
        return this.#applySchema(key, record)
      case 'CONFIG':
        return this.#levels.apply(key.subject, record)
      case 'MODE':
        return this.#modes.apply(key.subject, record)
      case 'DELETE_SUBJECT':
        return this.#softDelete(key.subject, record.value)
      case 'CLEAR_SUBJECT':
        return this.#dropDeleted(key.subject, record.value)
    }
  }

  get idMax(): number {
    return this.#idMax
  }

  /** Names of all subjects with any version, soft-deleted ones included, sorted. */
  subjectNames(): readonly string[] {
    return [...this.#subjects.keys()].sort()
  }

  /** All versions of a subject, oldest first, soft-deleted ones included. None when there is no such subject. */
  versionsOf(subject: string): readonly StoredSchema[] {
    const versions = this.#subjects.get(subject)?.versions.values() ?? []
    return [...versions].sort((left, right) => left.version - right.version)
  }

  liveVersionsOf(subject: string): readonly StoredSchema[] {
    return this.versionsOf(subject).filter(({ deleted }) => !deleted)
  }

  version(subject: string, version: number): StoredSchema | undefined {
    return this.#subjects.get(subject)?.versions.get(version)
  }

  nextVersion(subject: string): number {
    return (this.#subjects.get(subject)?.versionMax ?? 0) + 1
  }

  /** Every version of every subject, by subject and version. */
  all(): readonly StoredSchema[] {
    return this.subjectNames().flatMap((subject) => this.versionsOf(subject))
  }

  /** Any version with this id: they all have the same content. */
  schemaWithId(id: number): StoredSchema | undefined {
    const last = this.#lastById.get(id)
    if (last === undefined || this.version(last.subject, last.version)?.id === id) return last
    return this.withId(id)[0]
  }

  withId(id: number): readonly StoredSchema[] {
    return this.all().filter((stored) => stored.id === id)
  }

  withGuid(guid: string): readonly StoredSchema[] {
    return this.all().filter((stored) => stored.guid === guid)
  }

  /** The id that this content has, or had before it was deleted for good. */
  idOf(guid: string): number | undefined {
    return this.#idsByGuid.get(guid)
  }

  referencing(subject: string, version: number): readonly StoredSchema[] {
    return this.all().filter(({ references }) =>
      references.some((reference) => reference.subject === subject && reference.version === version),
    )
  }

  /** The level that was set for the subject, or for all of them when none is named. */
  ownLevel(subject?: string): CompatibilityLevel | undefined {
    return this.#levels.get(subject)
  }

  level(subject?: string): CompatibilityLevel {
    return this.#levels.get(subject) ?? this.#levels.get(undefined) ?? this.#defaultLevel
  }

  /** The bytes of every key that the subject's setting, or the global one, was written under. */
  rawKeysOf(keytype: 'CONFIG' | 'MODE', subject?: string): readonly Buffer[] {
    return (keytype === 'CONFIG' ? this.#levels : this.#modes).rawKeys(subject)
  }

  ownMode(subject?: string): Mode | undefined {
    return this.#modes.get(subject)
  }

  mode(subject?: string): Mode {
    const all = this.#modes.get(undefined) ?? 'READWRITE'
    return all === 'READONLY_OVERRIDE' ? all : (this.#modes.get(subject) ?? all)
  }

  #applySchema(key: SchemaKey & { readonly keytype: 'SCHEMA' }, { key: rawKey, value, timestampMs }: LogRecord): void {
    if (value === null) {
      this.#hardDelete(key.subject, key.version, rawKey)
      return
    }
    const schema = parseSchemaValue(value)
    if (!schema) return
    const guid = guidOf(schema.schema, schema.references)
    const bound = this.#guidsById.get(schema.id)
    // An id is bound once. A record that would give it another meaning came from a writer that did not know better.
    if (bound !== undefined && bound !== guid) return
    this.#guidsById.set(schema.id, guid)
    if (!this.#idsByGuid.has(guid)) this.#idsByGuid.set(guid, schema.id)
    this.#idMax = Math.max(this.#idMax, schema.id)
    const subject = this.#subjects.get(key.subject) ?? { versions: new Map<number, StoredSchema>(), versionMax: 0 }
    this.#subjects.set(key.subject, subject)
    const earlier = subject.versions.get(key.version)?.rawKeys ?? []
    const rawKeys = earlier.some((other) => other.equals(rawKey)) ? earlier : [...earlier, rawKey]
    const stored = { ...schema, subject: key.subject, version: key.version, guid, timestampMs, rawKeys }
    subject.versions.set(key.version, stored)
    this.#lastById.set(schema.id, stored)
    subject.versionMax = Math.max(subject.versionMax, key.version)
  }

  #hardDelete(name: string, version: number, rawKey: Buffer): void {
    const subject = this.#subjects.get(name)
    const stored = subject?.versions.get(version)
    if (!subject || !stored) return
    const rawKeys = stored.rawKeys.filter((other) => !other.equals(rawKey))
    if (rawKeys.length > 0) subject.versions.set(version, { ...stored, rawKeys })
    else subject.versions.delete(version)
    if (subject.versions.size === 0) this.#subjects.delete(name)
  }

  #softDelete(name: string, value: Buffer | null): void {
    const upTo = value && parseObject(value)?.version
    if (typeof upTo !== 'number') return
    for (const stored of this.versionsOf(name)) {
      if (stored.version <= upTo) this.#subjects.get(name)?.versions.set(stored.version, { ...stored, deleted: true })
    }
  }

  #dropDeleted(name: string, value: Buffer | null): void {
    if (!value) return
    const subject = this.#subjects.get(name)
    for (const stored of this.versionsOf(name)) if (stored.deleted) subject?.versions.delete(stored.version)
    if (subject?.versions.size === 0) this.#subjects.delete(name)
  }
}
