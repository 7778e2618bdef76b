import {
  AvroError,
  canonicalSchema,
  normalizedReferences,
  normalizedText,
  type ParsedSchema,
  parseSchema,
  resolveReferences,
  SCHEMA_LIMITS,
} from '@keyfold/avro'
import { type RegistryError, registryError } from '../registry-error.ts'
import type { Metadata } from '../state/metadata.ts'
import { findReferenced } from '../state/parsed-schemas.ts'
import type { RegistryState } from '../state/registry-state.ts'
import type { RuleSet } from '../state/rule-set.ts'
import type { SchemaReference } from '../state/schema-record.ts'
import { guidOf, type SchemaContent } from '../state/stored-schema.ts'

/** What a client sends when it registers, looks up or tests a schema. */
export interface SchemaRequest {
  /** Empty stands for the newest version's, where there is one. */
  readonly schema: string
  readonly schemaType: string
  readonly references: readonly SchemaReference[]
  readonly metadata: Metadata | undefined
  readonly ruleSet: RuleSet | undefined
  /** For compare-and-set: the version this is meant to become; -1 for the next one, 0 when it does not matter. */
  readonly version: number
  /** The id that the schema had elsewhere, for IMPORT. */
  readonly id: number | undefined
  readonly normalize: boolean
}

/** A schema in the form that is stored and hashed. */
export interface CandidateSchema extends SchemaContent {
  readonly guid: string
  readonly parsed: ParsedSchema
}

export interface CandidateRules {
  /** The rules for new schemas; without them only what could not be read at all is refused. */
  readonly isNew: boolean
  readonly normalize: boolean
}

/** Brings a schema into the stored form, its references followed from `subject`. Throws 42201, 42209. */
export function candidateOf(
  state: RegistryState,
  subject: string,
  request: SchemaRequest,
  { isNew, normalize }: CandidateRules,
): CandidateSchema {
  const { schemaType, metadata, ruleSet } = request
  if (schemaType !== 'AVRO') throw invalidSchema(`Invalid schema type ${schemaType}`)
  if (request.schema.trim() === '') throw invalidSchema('Empty schema')
  try {
    const resolved = resolveReferences(request.references, findReferenced(state, !isNew), { subject })
    checkReferenced(request, resolved.texts)
    const given = parseSchema(request.schema, { strict: isNew, references: resolved.texts })
    const parsed = normalize ? parseSchema(normalizedText(given), { references: resolved.texts }) : given
    const references = normalize ? normalizedReferences(resolved.references) : resolved.references
    const content = { schema: canonicalSchema(parsed), references, metadata, ruleSet }
    return { ...content, guid: guidOf(content), parsed }
  } catch (error) {
    throw refusalOf(error)
  }
}

/** References are parsed together with the schema, so together they have to stay small, too. */
function checkReferenced({ references }: SchemaRequest, texts: readonly string[]): void {
  const length = texts.reduce((sum, text) => sum + text.length, 0)
  if (references.length <= SCHEMA_LIMITS.referencesMax && length <= REFERENCED_LENGTH_MAX) return
  const allowed = `${SCHEMA_LIMITS.referencesMax} references and ${REFERENCED_LENGTH_MAX} characters of schemas`
  throw registryError('schemaTooLarge', `The schema refers to too much: at most ${allowed} are allowed`)
}

const REFERENCED_LENGTH_MAX = 1024 * 1024

/** What the API says of a schema that the parser refused. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof AvroError)) return error
  if (error.code === 'AVRO_SCHEMA_TOO_LARGE') return registryError('schemaTooLarge', error.message)
  return invalidSchema(`Invalid schema of type AVRO, details: ${error.message}`)
}

function invalidSchema(message: string): RegistryError {
  return registryError('invalidSchema', message)
}
