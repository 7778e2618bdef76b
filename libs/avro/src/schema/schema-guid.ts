import { md5, uuidText } from '../md5.ts'
import type { SchemaReference } from './references.ts'

/** Confluent's `Metadata` of a schema, as it stands in JSON. */
export interface SchemaMetadata {
  readonly tags?: Readonly<Record<string, readonly string[]>> | null
  readonly properties?: Readonly<Record<string, string>> | null
  readonly sensitive?: readonly string[] | null
}

/** Confluent's `Rule`, as it stands in JSON. */
export interface SchemaRule {
  readonly name?: string | null
  readonly doc?: string | null
  /** `TRANSFORM` when absent. */
  readonly kind?: string | null
  /** `WRITEREAD` when absent. */
  readonly mode?: string | null
  readonly type?: string | null
  readonly tags?: readonly string[] | null
  readonly params?: Readonly<Record<string, string>> | null
  readonly expr?: string | null
  readonly onSuccess?: string | null
  readonly onFailure?: string | null
  readonly disabled?: boolean | null
}

/** Confluent's `RuleSet`, as it stands in JSON. */
export interface SchemaRuleSet {
  readonly migrationRules?: readonly SchemaRule[] | null
  readonly domainRules?: readonly SchemaRule[] | null
  readonly encodingRules?: readonly SchemaRule[] | null
  readonly enableAt?: string | null
}

/** What belongs to the identity of a registered schema besides its text. */
export interface GuidParts {
  /** With their real versions, never -1, in the order in which they were given. */
  readonly references?: readonly SchemaReference[] | null
  readonly metadata?: SchemaMetadata | null
  readonly ruleSet?: SchemaRuleSet | null
}

/**
 * The guid of a schema in registries that speak Confluent's API: MD5 of its canonical string, references, metadata and
 * rules, as UUID text. Absent metadata is another thing than empty metadata.
 */
export function schemaGuid(canonical: string, parts: GuidParts = {}): string {
  return uuidText(schemaMd5(canonical, parts))
}

/** The same 16 bytes, which registries keep as `md5` beside the schema. */
export function schemaMd5(canonical: string, { references, metadata, ruleSet }: GuidParts = {}): Buffer {
  return md5(
    canonical,
    ...(references ?? []).flatMap(({ name, subject, version }) => [name, subject, int32Bytes(version)]),
    ...(metadata ? [PRESENT, ...metadataParts(metadata)] : []),
    ...(ruleSet ? [PRESENT, ...ruleSetParts(ruleSet)] : []),
  )
}

const PRESENT = Buffer.of(1)

function int32Bytes(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function metadataParts({ tags, properties, sensitive }: SchemaMetadata): readonly string[] {
  const tagged = sortedEntries(tags).flatMap(([path, names]) => [path, ...sortedSet(names)])
  return [...tagged, ...sortedEntries(properties).flat(), ...sortedSet(sensitive)]
}

function ruleSetParts(rules: SchemaRuleSet): readonly (string | Buffer)[] {
  const all = [rules.migrationRules, rules.domainRules, rules.encodingRules].flatMap((list) => list ?? [])
  return [...all.flatMap(ruleParts), ...given(rules.enableAt)]
}

function ruleParts(rule: SchemaRule): readonly (string | Buffer)[] {
  return [
    ...given(rule.name),
    ...given(rule.doc),
    rule.kind ?? 'TRANSFORM',
    rule.mode ?? 'WRITEREAD',
    ...given(rule.type),
    ...sortedSet(rule.tags),
    ...sortedEntries(rule.params).flat(),
    ...given(rule.expr),
    ...given(rule.onSuccess),
    ...given(rule.onFailure),
    ...(rule.disabled ? [PRESENT] : []),
  ]
}

function given(text: string | null | undefined): readonly string[] {
  return typeof text === 'string' ? [text] : []
}

function sortedSet(texts: readonly string[] | null | undefined): readonly string[] {
  return [...new Set(texts)].sort()
}

function sortedEntries<Value>(members: Readonly<Record<string, Value>> | null | undefined): [string, Value][] {
  return Object.entries(members ?? {}).sort(([left], [right]) => (left < right ? -1 : 1))
}
