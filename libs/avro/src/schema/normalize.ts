import {
  isJsonArray,
  isJsonNumber,
  isJsonObject,
  type JsonNumber,
  type JsonObject,
  type JsonValue,
  latin1Text,
  printDouble,
  printFloat,
  printJson,
  printString,
} from '../json/json-value.ts'
import { logicalTypeOf } from './logical-type.ts'
import {
  aliasText,
  type FieldNode,
  isNamed,
  type NamedNode,
  type ParsedSchema,
  type SchemaNode,
} from './schema-node.ts'

/**
 * The text that a registry hashes under `normalize=true`: full names everywhere, properties and aliases sorted, `order`
 * spelt out. Parse it and print it canonically to get the schema that is stored. A known logical type is printed twice,
 * as Confluent's registry does; the second mention changes nothing when it is parsed.
 */
export function normalizedText(schema: ParsedSchema): string {
  return print(schema.root, new Set(schema.referenced))
}

function print(node: SchemaNode, printed: Set<string>): string {
  if (isNamed(node)) return printNamed(node, printed)
  switch (node.kind) {
    case 'union':
      return `[${node.branches.map((branch) => print(branch, printed)).join(',')}]`
    case 'array':
      return `{"type":"array","items":${print(node.items, printed)}${sortedMembers(node.properties)}}`
    case 'map':
      return `{"type":"map","values":${print(node.values, printed)}${sortedMembers(node.properties)}}`
    default:
      return node.properties.size === 0
        ? `"${node.kind}"`
        : `{"type":"${node.kind}"${logicalMembers(node)}${sortedMembers(node.properties)}}`
  }
}

function printNamed(node: NamedNode, printed: Set<string>): string {
  const name = printString(node.name.full)
  if (printed.has(node.name.full)) return name
  printed.add(node.name.full)
  // An error becomes a record here, as in Confluent's registry.
  let text = `{"name":${name},"type":"${node.kind}"`
  if (node.kind === 'enum') text += `,"symbols":[${node.symbols.map(printString).join(',')}]`
  if (node.kind === 'fixed') text += `,"size":${node.size}${logicalMembers(node)}`
  if (node.kind === 'record') text += `,"fields":[${node.fields.map((field) => printField(field, printed)).join(',')}]`
  if (node.doc) text += `,"doc":${printString(node.doc)}`
  text += printAliases(node.aliases.map((alias) => aliasText(alias, node)))
  if (node.kind === 'enum' && node.defaultSymbol !== undefined) text += `,"default":${printString(node.defaultSymbol)}`
  return `${text}${sortedMembers(node.properties)}}`
}

function printField(field: FieldNode, printed: Set<string>): string {
  let text = `{"name":${printString(field.name)},"type":${print(field.type, printed)}`
  text += `,"order":"${field.order.toUpperCase()}"`
  if (field.doc !== undefined) text += `,"doc":${printString(field.doc)}`
  text += printAliases(field.aliases)
  const fallback = field.defaultValue === undefined ? undefined : printDefault(field.type, field.defaultValue)
  if (fallback !== undefined) text += `,"default":${fallback}`
  return `${text}${sortedMembers(field.properties)}}`
}

function printAliases(aliases: readonly string[]): string {
  return aliases.length === 0 ? '' : `,"aliases":[${[...aliases].sort().map(printString).join(',')}]`
}

function logicalMembers(node: SchemaNode): string {
  const type = logicalTypeOf(node)
  if (!type) return ''
  if (type.name !== 'decimal') return `,"logicalType":"${type.name}"`
  const scale = type.scale === 0 ? '' : `,"scale":${type.scale}`
  return `,"logicalType":"decimal","precision":${type.precision}${scale}`
}

/**
 * A default goes through its type: 1 for a double is 1.0. One of a union goes through the first branch, and one that
 * is no value of its type at all is dropped, as Avro Java does.
 */
function printDefault(node: SchemaNode, json: JsonValue): string | undefined {
  if (node.kind === 'union') return node.branches[0] && printDefault(node.branches[0], json)
  if (json === null || typeof json === 'boolean') return printJson(json)
  if (isJsonNumber(json)) return printNumber(node, json)
  if (typeof json === 'string') {
    if (node.kind === 'string' || node.kind === 'enum') return printString(json)
    return node.kind === 'bytes' || node.kind === 'fixed' ? printString(latin1Text(json)) : undefined
  }
  if (isJsonArray(json)) {
    if (node.kind !== 'array') return json.length === 0 ? '[]' : undefined
    return `[${json.map((item) => printDefault(node.items, item) ?? 'null').join(',')}]`
  }
  if (node.kind === 'map') return printMembers(json, (_, value) => printDefault(node.values, value))
  if (node.kind !== 'record') return printJson(sorted(json))
  const types = new Map(node.fields.map((field) => [field.name, field.type]))
  return printMembers(json, (name, value) => {
    const type = types.get(name)
    return type ? printDefault(type, value) : printJson(sorted(value))
  })
}

function printNumber({ kind }: SchemaNode, json: JsonNumber): string | undefined {
  if (json.kind === 'integer' && BigInt.asIntN(64, json.value) !== json.value) return undefined
  if (kind === 'float') return printFloat(Number(json.value))
  if (kind === 'double') return printDouble(Number(json.value))
  return json.kind === 'integer' && (kind === 'int' || kind === 'long') ? json.value.toString() : undefined
}

function printMembers(json: JsonObject, print: (name: string, value: JsonValue) => string | undefined): string {
  return `{${inOrder(json)
    .map(([name, value]) => `${printString(name)}:${print(name, value) ?? 'null'}`)
    .join(',')}}`
}

function sortedMembers(properties: JsonObject): string {
  return inOrder(properties)
    .map(([name, value]) => `,${printString(name)}:${printJson(sorted(value))}`)
    .join('')
}

function sorted(json: JsonValue): JsonValue {
  if (isJsonArray(json)) return json.map(sorted)
  if (!isJsonObject(json)) return json
  return new Map(inOrder(json).map(([name, value]) => [name, sorted(value)]))
}

function inOrder(json: JsonObject): readonly (readonly [string, JsonValue])[] {
  return Array.from(json).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
}
