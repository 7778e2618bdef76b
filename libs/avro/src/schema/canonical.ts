import { type JsonObject, printJson, printString } from '../json/json-value.ts'
import {
  type FieldNode,
  type FullName,
  isNamed,
  type NamedNode,
  type ParsedSchema,
  PRIMITIVE_KINDS,
  type SchemaNode,
} from './schema-node.ts'

/**
 * The text of a schema as Avro Java's `Schema.toString()` prints it. Registries hash this string, so it decides which
 * schemas are the same one. It is not the specification's parsing canonical form: documentation, defaults, aliases and
 * properties are kept.
 */
export function canonicalSchema(schema: ParsedSchema): string {
  return print(schema.root, undefined, new Set(schema.referenced))
}

/** The same for one type, as if it stood alone and referenced nothing. */
export function canonicalText(node: SchemaNode): string {
  return print(node, undefined, new Set())
}

/** Full names of the types that were printed already: printed once, referred to later. */
type Printed = Set<string>

function print(node: SchemaNode, namespace: string | undefined, printed: Printed): string {
  if (isNamed(node)) return printNamed(node, namespace, printed)
  switch (node.kind) {
    case 'union':
      return `[${node.branches.map((branch) => print(branch, namespace, printed)).join(',')}]`
    case 'array':
      return `{"type":"array","items":${print(node.items, namespace, printed)}${printProperties(node.properties)}}`
    case 'map':
      return `{"type":"map","values":${print(node.values, namespace, printed)}${printProperties(node.properties)}}`
    default:
      return node.properties.size === 0
        ? `"${node.kind}"`
        : `{"type":"${node.kind}"${printProperties(node.properties)}}`
  }
}

function printNamed(node: NamedNode, namespace: string | undefined, printed: Printed): string {
  if (printed.has(node.name.full)) return printString(relativeName(node.name, namespace))
  printed.add(node.name.full)
  const type = node.kind === 'record' && node.isError ? 'error' : node.kind
  let text = `{"type":"${type}","name":${printString(node.name.name)}`
  if (node.name.namespace !== namespace) text += `,"namespace":${printString(node.name.namespace ?? '')}`
  if (node.doc !== undefined) text += `,"doc":${printString(node.doc)}`
  text += printBody(node, printed)
  text += printProperties(node.properties)
  if (node.aliases.length > 0) {
    const aliases = node.aliases.map((alias) => printString(relativeName(alias, node.name.namespace)))
    text += `,"aliases":[${aliases.join(',')}]`
  }
  return `${text}}`
}

function printBody(node: NamedNode, printed: Printed): string {
  if (node.kind === 'fixed') return `,"size":${node.size}`
  if (node.kind === 'record') {
    return `,"fields":[${node.fields.map((field) => printField(field, node.name.namespace, printed)).join(',')}]`
  }
  const fallback = node.defaultSymbol === undefined ? '' : `,"default":${printString(node.defaultSymbol)}`
  return `,"symbols":[${node.symbols.map(printString).join(',')}]${fallback}`
}

function printField(field: FieldNode, namespace: string | undefined, printed: Printed): string {
  let text = `{"name":${printString(field.name)},"type":${print(field.type, namespace, printed)}`
  if (field.doc !== undefined) text += `,"doc":${printString(field.doc)}`
  if (field.defaultValue !== undefined) text += `,"default":${printJson(field.defaultValue)}`
  if (field.order !== 'ascending') text += `,"order":"${field.order}"`
  if (field.aliases.length > 0) text += `,"aliases":[${field.aliases.map(printString).join(',')}]`
  return `${text}${printProperties(field.properties)}}`
}

function printProperties(properties: JsonObject): string {
  return Array.from(properties, ([name, value]) => `,${printString(name)}:${printJson(value)}`).join('')
}

/** Short inside its own namespace, unless the short name would read as one of Avro's own types. */
function relativeName(name: FullName, namespace: string | undefined): string {
  return name.namespace === namespace && !TYPE_NAMES.has(name.name) ? name.name : name.full
}

const TYPE_NAMES: ReadonlySet<string> = new Set([...PRIMITIVE_KINDS, ...'record enum array map union fixed'.split(' ')])
