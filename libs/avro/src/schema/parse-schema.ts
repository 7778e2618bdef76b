import { AvroError, invalidSchema } from '../errors.ts'
import { parseJson, JsonSyntaxError } from '../json/parse-json.ts'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, printJson } from '../json/json-value.ts'
import { canonicalText } from './canonical.ts'
import { SCHEMA_LIMITS } from './limits.ts'
import { NameScope, type ParseType } from './name-scope.ts'
import { parseEnum, parseFixed } from './parse-named.ts'
import { parseRecord } from './parse-record.ts'
import { checkBranches } from './resolve-names.ts'
import { propertiesOf, SCHEMA_MEMBERS } from './schema-members.ts'
import { branchName, type ParsedSchema, PRIMITIVE_KINDS, type PrimitiveKind, type SchemaNode } from './schema-node.ts'

export interface ParseOptions {
  /** Rules for new schemas: names of ASCII letters, digits and `_`, defaults that fit. Stored ones need not obey. */
  readonly strict?: boolean
  /**
   * Texts of the schemas that this one may refer to by name, each after those that it refers to itself: what
   * `resolveReferences` returns.
   */
  readonly references?: readonly string[]
}

/**
 * Parses the text of a schema exactly as Avro Java 1.12 does: same acceptance, same names, same messages.
 * Errors: `AVRO_SCHEMA_INVALID`, `AVRO_SCHEMA_TOO_LARGE`.
 */
export function parseSchema(text: string, options: ParseOptions = {}): ParsedSchema {
  const scope = new NameScope(options.strict ?? false)
  const references = options.references ?? []
  if (references.length > SCHEMA_LIMITS.referencesMax) {
    throw tooLarge(`The schema has ${references.length} references; at most ${SCHEMA_LIMITS.referencesMax} are allowed`)
  }
  const parse = (one: string) => scope.finish(parseType(readJson(one), undefined, scope))
  const referenced = new Set(references.map((reference) => branchName(parse(reference))))
  const root = parse(text)
  return referenced.size === 0 ? { root } : { root, referenced }
}

const parseType: ParseType = (json, namespace, scope) => {
  if (typeof json === 'string') return scope.find(json, namespace)
  if (isJsonArray(json)) return parseUnion(json, namespace, scope)
  if (isJsonObject(json)) return parseTypeObject(json, namespace, scope)
  throw invalidSchema(`Schema not yet supported: ${printJson(json)}`)
}

function readJson(text: string): JsonValue {
  if (text.length > SCHEMA_LIMITS.sizeBytesMax || Buffer.byteLength(text) > SCHEMA_LIMITS.sizeBytesMax) {
    throw tooLarge(`The schema has ${Buffer.byteLength(text)} bytes; at most ${SCHEMA_LIMITS.sizeBytesMax} are allowed`)
  }
  try {
    return parseJson(text, SCHEMA_LIMITS.depthMax)
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    if (error.reason === 'depth') throw tooLarge(`The schema nests ${error.detail}`)
    if (error.reason === 'dangling') throw invalidSchema(`dangling content after end of schema: ${error.detail}`)
    throw invalidSchema(`The schema is not valid JSON: ${error.message}`)
  }
}

function tooLarge(message: string): AvroError {
  return new AvroError('AVRO_SCHEMA_TOO_LARGE', message, { fix: 'Split the schema into smaller ones.' })
}

function parseTypeObject(json: JsonObject, namespace: string | undefined, scope: NameScope): SchemaNode {
  const type = json.get('type')
  if (typeof type !== 'string') throw invalidSchema(`No type: ${printJson(json)}`)
  if (isPrimitiveName(type)) return { kind: type, properties: propertiesOf(json, SCHEMA_MEMBERS) }
  switch (type) {
    case 'record':
    case 'error':
      return parseRecord(json, namespace, scope, parseType)
    case 'enum':
      return parseEnum(json, namespace, scope)
    case 'fixed':
      return parseFixed(json, namespace, scope)
    case 'array': {
      const items = json.get('items')
      if (items === undefined) throw invalidSchema(`Array has no items type: ${printJson(json)}`)
      const properties = propertiesOf(json, SCHEMA_MEMBERS)
      return { kind: 'array', items: parseType(items, namespace, scope), properties }
    }
    case 'map': {
      const values = json.get('values')
      if (values === undefined) throw invalidSchema(`Map has no values type: ${printJson(json)}`)
      const properties = propertiesOf(json, SCHEMA_MEMBERS)
      return { kind: 'map', values: parseType(values, namespace, scope), properties }
    }
    default:
      return scope.find(type, namespace)
  }
}

function parseUnion(json: readonly JsonValue[], namespace: string | undefined, scope: NameScope): SchemaNode {
  const branches = json.map((branch) => parseType(branch, namespace, scope))
  const union: SchemaNode = { kind: 'union', branches }
  if (branches.some(({ kind }) => kind === 'union')) throw invalidSchema(`Nested union: ${canonicalText(union)}`)
  checkBranches(branches)
  return union
}

function isPrimitiveName(text: string): text is PrimitiveKind {
  return (PRIMITIVE_KINDS as readonly string[]).includes(text)
}
