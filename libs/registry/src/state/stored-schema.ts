import { schemaGuid } from '@keyfold/avro'
import type { SchemaValue } from './schema-record.ts'

/** One version of one subject, soft-deleted ones included. */
export interface StoredSchema extends SchemaValue {
  /** MD5 over schema, references, metadata and rules as UUID text: the identity of the content. */
  readonly guid: string
  readonly timestampMs: number
  /** The bytes of every key this version was ever written under: all of them are deleted with it. */
  readonly rawKeys: readonly Buffer[]
}

/** What is told apart by its id: the same content gives the same guid in every registry that speaks Confluent's API. */
export type SchemaContent = Pick<SchemaValue, 'schema' | 'references' | 'metadata' | 'ruleSet'>

export function guidOf({ schema, references, metadata, ruleSet }: SchemaContent): string {
  return schemaGuid(schema, {
    references,
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
  })
}
