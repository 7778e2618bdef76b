import { AvroError, canonicalSchema, normalizedText, type ParsedSchema, parseSchema } from '@keyfold/avro'
import { type RegistryError, registryError } from '../registry-error.ts'
import type { SchemaReference } from '../state/schema-record.ts'
import { guidOf } from '../state/stored-schema.ts'

/** What a client sends when it registers, looks up or tests a schema. */
export interface SchemaRequest {
  readonly schema: string
  readonly schemaType: string
  readonly references: readonly SchemaReference[]
  /** For compare-and-set: the version this is meant to become. */
  readonly version: number | undefined
  readonly normalize: boolean
}

/** A schema in the form that is stored and hashed. */
export interface CandidateSchema {
  readonly schema: string
  readonly guid: string
  readonly parsed: ParsedSchema
}

/**
 * Brings a schema into the stored form. `isNew` applies the rules for new schemas; without it only what could not be
 * read at all is refused. Throws 42201, 42209.
 */
export function candidateOf(request: SchemaRequest, isNew: boolean): CandidateSchema {
  if (request.schemaType !== 'AVRO') throw registryError('invalidSchema', `Invalid schema type ${request.schemaType}`)
  if (request.references.length > 0) {
    throw registryError('invalidSchema', 'Invalid schema: references to other subjects are not supported yet')
  }
  try {
    const given = parseSchema(request.schema, { strict: isNew })
    const parsed = request.normalize ? parseSchema(normalizedText(given)) : given
    const schema = canonicalSchema(parsed)
    return { schema, guid: guidOf(schema, request.references), parsed }
  } catch (error) {
    throw refusalOf(error, request)
  }
}

function refusalOf(error: unknown, { schema, schemaType }: SchemaRequest): unknown {
  if (!(error instanceof AvroError)) return error
  if (error.code === 'AVRO_SCHEMA_TOO_LARGE') return registryError('schemaTooLarge', error.message)
  return invalidSchema(
    `Invalid schema {subject=null,version=0,id=-1,schemaType=${schemaType},schema=${shortened(schema)}} with refs [] of type ${schemaType}, details: ${error.message}`,
  )
}

function invalidSchema(message: string): RegistryError {
  return registryError('invalidSchema', message)
}

function shortened(text: string): string {
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}
