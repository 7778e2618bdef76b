import type { CompatibilityLevel } from '@keyfold/avro'
import { ContextIds } from './context-ids.ts'
import { parseLedger } from './id-ledger.ts'
import {
  contextOf,
  contextPrefix,
  DEFAULT_CONTEXT,
  GLOBAL_SUBJECT,
  isWithin,
  normalizedSubject,
} from './qualified-subject.ts'
import { ReferenceIndex } from './reference-index.ts'
import { type LogRecord, parseKey, parseObject, parseSchemaValue, type SchemaKey } from './schema-record.ts'
import { Settings } from './settings.ts'
import { guidOf, type StoredSchema } from './stored-schema.ts'
import { inheritedConfig, parseConfig, type SubjectConfig } from './subject-config.ts'
import { SubjectVersions } from './subject-versions.ts'

export const MODES = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT', 'FORWARD'] as const
export type Mode = (typeof MODES)[number]

/** What holds for a subject when everything that is set for it, its context and all contexts is put together. */
export type EffectiveConfig = SubjectConfig & { readonly compatibilityLevel: CompatibilityLevel }

const NO_VERSIONS: readonly StoredSchema[] = []

/**
 * Everything the registry knows, as a fold over the records of its log. Nothing else changes it: a restart, a follower
 * and the writer all come to the same state, also after compaction. Subjects are named in their one stored spelling.
 */
export class RegistryState {
  readonly configs = new Settings<SubjectConfig>(parseConfig)
  readonly modes = new Settings<Mode>(({ mode }) => MODES.find((known) => known === mode))
  readonly #subjects = new Map<string, SubjectVersions>()
  readonly #ids = new Map<string, ContextIds>()
  readonly #references = new ReferenceIndex()
  /** The bytes of every key under which a context was written down. */
  readonly #contexts = new Map<string, readonly Buffer[]>()
  readonly #defaultLevel: CompatibilityLevel

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
        return this.configs.apply(settingName(key.subject), record)
      case 'MODE':
        return this.modes.apply(settingName(key.subject), record)
      case 'DELETE_SUBJECT':
        return this.#softDelete(normalizedSubject(key.subject), record.value)
      case 'CLEAR_SUBJECT':
        return this.#dropDeleted(key.subject, record.value)
      case 'CONTEXT':
        return this.#applyContext(key.context, record)
      case 'NOOP':
        return this.#applyLedger(record.value)
    }
  }

  /** The default context, then the others by name. */
  contexts(): readonly string[] {
    const others = new Set([...this.#contexts.keys(), ...Array.from(this.#subjects.keys(), contextOf)])
    others.delete(DEFAULT_CONTEXT)
    return [DEFAULT_CONTEXT, ...[...others].sort()]
  }

  rawContextKeys(context: string): readonly Buffer[] {
    return this.#contexts.get(context) ?? []
  }

  /** The ids of a context, or of the one that a subject is in. */
  ids(subject: string): ContextIds {
    return this.#ids.get(contextOf(subject)) ?? new ContextIds()
  }

  /** Contexts in which ids were given, with what they are. */
  allIds(): ReadonlyMap<string, ContextIds> {
    return this.#ids
  }

  /** Names of all subjects with any version, soft-deleted ones included, sorted. */
  subjectNames(): readonly string[] {
    return [...this.#subjects.keys()].sort()
  }

  /** All versions of a subject, oldest first, soft-deleted ones included. None when there is no such subject. */
  versionsOf(subject: string): readonly StoredSchema[] {
    return this.#subjects.get(subject)?.all ?? NO_VERSIONS
  }

  liveVersionsOf(subject: string): readonly StoredSchema[] {
    return this.versionsOf(subject).filter(({ deleted }) => !deleted)
  }

  version(subject: string, version: number): StoredSchema | undefined {
    return this.#subjects.get(subject)?.get(version)
  }

  /** One more than the highest that is there, soft-deleted ones included. */
  nextVersion(subject: string): number {
    return (this.versionsOf(subject).at(-1)?.version ?? 0) + 1
  }

  /** Versions with a reference to this one, soft-deleted ones included. */
  referencing(subject: string, version: number): readonly StoredSchema[] {
    return this.#references.to(subject, version)
  }

  /** What holds for a subject, or for the whole default context when none is named. */
  config(subject?: string): EffectiveConfig {
    const own = this.configs.get(subject)
    const outer = outerScopes(subject)
      .map((scope) => this.configs.get(scope))
      .find((config) => config !== undefined)
    const merged = own ? inheritedConfig(own, outer) : (outer ?? {})
    const level = merged.compatibilityLevel ?? this.configs.get(GLOBAL_SUBJECT)?.compatibilityLevel
    return { ...merged, compatibilityLevel: level ?? this.#defaultLevel }
  }

  mode(subject?: string): Mode {
    const all = this.modes.get(undefined)
    if (all === 'READONLY_OVERRIDE') return all
    const scopes = [subject, ...outerScopes(subject)]
    return scopes.map((scope) => this.modes.get(scope)).find((mode) => mode !== undefined) ?? 'READWRITE'
  }

  #applySchema(key: SchemaKey & { readonly keytype: 'SCHEMA' }, { key: rawKey, value, timestampMs }: LogRecord): void {
    const subject = normalizedSubject(key.subject)
    if (value === null) return this.#hardDelete(subject, key.version, rawKey)
    const schema = parseSchemaValue(value)
    if (!schema) return
    const guid = guidOf(schema)
    const bound = this.ids(subject).any(schema.id)
    // An id means one thing as long as it has versions. A record that would change it came from a writer that did not
    // know better.
    if (bound !== undefined && bound.guid !== guid) return
    const earlier = this.version(subject, key.version)?.rawKeys ?? []
    const rawKeys = earlier.some((other) => other.equals(rawKey)) ? earlier : [...earlier, rawKey]
    this.#put({ ...schema, subject, version: key.version, guid, timestampMs, rawKeys })
  }

  #hardDelete(subject: string, version: number, rawKey: Buffer): void {
    const stored = this.version(subject, version)
    if (!stored) return
    const rawKeys = stored.rawKeys.filter((other) => !other.equals(rawKey))
    if (rawKeys.length > 0) this.#put({ ...stored, rawKeys })
    else this.#drop(stored)
  }

  #softDelete(subject: string, value: Buffer | null): void {
    const upTo = value && parseObject(value)?.version
    if (typeof upTo !== 'number') return
    for (const stored of this.liveVersionsOf(subject))
      if (stored.version <= upTo) this.#put({ ...stored, deleted: true })
  }

  #dropDeleted(scope: string | undefined, value: Buffer | null): void {
    if (!value) return
    // Without a subject the record is about everything.
    const subjects = this.subjectNames().filter((subject) => scope === undefined || isWithin(subject, scope))
    for (const stored of subjects.flatMap((subject) => this.versionsOf(subject))) if (stored.deleted) this.#drop(stored)
  }

  #applyContext(context: string, { key, value }: LogRecord): void {
    const others = this.rawContextKeys(context).filter((other) => !other.equals(key))
    const keys = value === null ? others : [...others, key]
    if (keys.length > 0) this.#contexts.set(context, keys)
    else this.#contexts.delete(context)
  }

  #applyLedger(value: Buffer | null): void {
    const ledger = parseLedger(value)
    for (const [context, idMax] of Object.entries(ledger?.idMax ?? {})) {
      this.#idsIn(context).restore(idMax, ledger?.retired[context] ?? {})
    }
  }

  #idsIn(context: string): ContextIds {
    const known = this.#ids.get(context) ?? new ContextIds()
    this.#ids.set(context, known)
    return known
  }

  #put(stored: StoredSchema): void {
    const versions = this.#subjects.get(stored.subject) ?? new SubjectVersions()
    this.#subjects.set(stored.subject, versions)
    const ids = this.#idsIn(contextOf(stored.subject))
    const earlier = versions.get(stored.version)
    if (earlier) {
      ids.remove(earlier)
      this.#references.remove(earlier)
    }
    versions.set(stored)
    ids.add(stored)
    this.#references.add(stored)
  }

  #drop(stored: StoredSchema): void {
    const versions = this.#subjects.get(stored.subject)
    versions?.delete(stored.version)
    if (versions?.isEmpty) this.#subjects.delete(stored.subject)
    this.#idsIn(contextOf(stored.subject)).remove(stored)
    this.#references.remove(stored)
  }
}

/** Where a setting is looked for when the subject itself has none: its context, then all contexts. */
function outerScopes(subject: string | undefined): readonly (string | undefined)[] {
  const context = subject === undefined ? DEFAULT_CONTEXT : contextOf(subject)
  return [context === DEFAULT_CONTEXT ? undefined : contextPrefix(context), GLOBAL_SUBJECT]
}

/** Settings of the whole default context have no name, however they were written. */
export function settingName(subject: string | undefined): string | undefined {
  const name = subject === undefined ? '' : normalizedSubject(subject)
  return name === '' ? undefined : name
}
