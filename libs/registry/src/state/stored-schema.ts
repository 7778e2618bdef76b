import { md5, parseSchema, type ParsedSchema, uuidText } from '@keyfold/avro'
import type { SchemaReference, SchemaValue } from './schema-record.ts'

/** One version of one subject, soft-deleted ones included. */
export interface StoredSchema extends SchemaValue {
  /** MD5 over schema and references as UUID text: the identity of the content. */
  readonly guid: string
  readonly timestampMs: number
  /** The bytes of every key this version was ever written under: all of them are deleted with it. */
  readonly rawKeys: readonly Buffer[]
}

/** Same schema text and same references give the same guid, in every registry that speaks Confluent's API. */
export function guidOf(schema: string, references: readonly SchemaReference[]): string {
  const parts = references.flatMap(({ name, subject, version }) => [name, subject, int32Bytes(version)])
  return uuidText(md5(schema, ...parts))
}

function int32Bytes(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const parsed = new WeakMap<StoredSchema, ParsedSchema>()

/** The Avro schema of a stored version, parsed once and leniently: what is stored need not obey today's rules. */
export function parsedSchemaOf(stored: StoredSchema): ParsedSchema {
  const known = parsed.get(stored)
  if (known) return known
  const schema = parseSchema(stored.schema)
  parsed.set(stored, schema)
  return schema
}
