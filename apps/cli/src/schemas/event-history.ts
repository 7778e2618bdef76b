import {
  canonicalSchema,
  type ParsedSchema,
  parseSchema,
  schemaGuid,
  type SchemaReference,
  type SchemaSource,
  withoutLint,
} from '@keyfold/avro'

/** One version of an event or of a type that events refer to, as it stands in a folder, a commit or a registry. */
export interface HistoryVersion {
  readonly version: number
  /** What messages call it: the path of its file, or its subject and version. */
  readonly file: string
  readonly source: SchemaSource
  readonly parsed: ParsedSchema
  readonly references: readonly SchemaReference[]
  /** What a registry calls its content. */
  readonly id?: number
}

export interface EventHistory {
  /** `bank/money-deposited`. */
  readonly event: string
  readonly fullName: string
  /** Where it is registered: one subject for each topic, or its full name when it is on none. */
  readonly subjects: readonly string[]
  readonly isOnTopic: boolean
  /** Oldest first. */
  readonly versions: readonly HistoryVersion[]
}

/**
 * What makes two versions the same one: their content without layout and notes for the linter, and that of all they
 * refer to. Versions of references do not count: folder and registry may number them differently.
 */
export function identityOf({ parsed, references }: Pick<HistoryVersion, 'parsed' | 'references'>): string {
  if (references.length === 0) return canonicalSchema(parsed)
  const targets = references.map(({ name, subject }) => `${name} ${subject}`).toSorted()
  return [canonicalSchema(parsed), canonicalSchema({ root: parsed.root }), ...targets].join('\n')
}

/** The name of a version's content that every registry gives it. */
export function guidOf({ parsed, references }: Pick<HistoryVersion, 'parsed' | 'references'>): string {
  return schemaGuid(canonicalSchema(parsed), references.length === 0 ? {} : { references })
}

/** Parses a text as a schema, notes for the linter left out of it. Errors: `AVRO_SCHEMA_INVALID`, `AVRO_SCHEMA_TOO_LARGE`. */
export function parsedSource({ text, references = [] }: SchemaSource, strict: boolean): ParsedSchema {
  // Parsed as it is first: what is no JSON, or too large, is refused there.
  const parsed = parseSchema(text, { strict, references })
  return text.includes('keyfold.lint') ? parseSchema(withoutLint(text), { strict, references }) : parsed
}

/** The full name of a schema's type; unnamed types go by their kind. */
export function nameOf({ root }: ParsedSchema): string {
  return 'name' in root ? root.name.full : root.kind
}
