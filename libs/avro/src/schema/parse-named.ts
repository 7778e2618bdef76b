import { invalidSchema } from '../errors.ts'
import { isJsonArray, isJsonNumber, type JsonObject, type JsonValue, printJson } from '../json/json-value.ts'
import type { NameScope } from './name-scope.ts'
import { propertiesOf, SCHEMA_MEMBERS } from './schema-members.ts'
import { type EnumNode, type FixedNode, type FullName, PRIMITIVE_KINDS } from './schema-node.ts'

export function parseEnum(json: JsonObject, namespace: string | undefined, scope: NameScope): EnumNode {
  const header = parseHeader(json, namespace, scope)
  const list = json.get('symbols')
  if (!isJsonArray(list)) throw invalidSchema(`Enum has no symbols: ${printJson(json)}`)
  const symbols: string[] = []
  for (const symbol of list) {
    // Avro Java takes these for stored schemas as symbols without a name; its registry refuses them all the same.
    if (typeof symbol !== 'string') throw invalidSchema('Null name')
    scope.checkName(symbol)
    if (symbols.includes(symbol)) throw invalidSchema(`Duplicate enum symbol: ${symbol}`)
    symbols.push(symbol)
  }
  const defaultSymbol = optionalText(json.get('default'))
  if (defaultSymbol !== undefined && !symbols.includes(defaultSymbol)) {
    throw invalidSchema(`The Enum Default: ${defaultSymbol} is not in the enum symbol set: [${symbols.join(', ')}]`)
  }
  const properties = propertiesOf(json, ENUM_MEMBERS)
  const node: EnumNode = { kind: 'enum', ...header, symbols, defaultSymbol, properties }
  scope.add(node)
  return node
}

export function parseFixed(json: JsonObject, namespace: string | undefined, scope: NameScope): FixedNode {
  const header = parseHeader(json, namespace, scope)
  const size = json.get('size')
  if (!isJsonNumber(size) || size.kind !== 'integer' || BigInt.asIntN(32, size.value) !== size.value) {
    throw invalidSchema(`Invalid or no size: ${printJson(json)}`)
  }
  if (size.value < 0n) throw invalidSchema(`Malformed data. Length is negative: ${size.value}`)
  if (size.value > FIXED_SIZE_MAX) {
    throw invalidSchema(`Cannot read arrays longer than ${FIXED_SIZE_MAX} bytes in Java`)
  }
  const properties = propertiesOf(json, SCHEMA_MEMBERS)
  const node: FixedNode = { kind: 'fixed', ...header, size: Number(size.value), properties }
  scope.add(node)
  return node
}

/** The longest array that every Java machine can make. */
const FIXED_SIZE_MAX = 0x7ffffff7n

/** What every named type has: its name in the namespace it gives or else is in, its documentation, its other names. */
export function parseHeader(
  json: JsonObject,
  enclosing: string | undefined,
  scope: NameScope,
): { readonly name: FullName; readonly doc: string | undefined; readonly aliases: readonly FullName[] } {
  const text = json.get('name')
  if (typeof text !== 'string') throw invalidSchema(`No name in schema: ${printJson(json)}`)
  const name = scope.typeName(text, optionalText(json.get('namespace')) ?? enclosing)
  if ((PRIMITIVE_KINDS as readonly string[]).includes(name.full)) {
    throw invalidSchema(`Schemas may not be named after primitives: ${name.full}`)
  }
  const aliases = parseAliases(json).map((alias) => scope.typeName(alias, name.namespace))
  const distinct = new Map(aliases.map((alias) => [alias.full, alias]))
  return { name, doc: optionalText(json.get('doc')), aliases: [...distinct.values()] }
}

export function parseAliases(json: JsonObject): readonly string[] {
  const aliases = json.get('aliases')
  if (aliases === undefined) return []
  if (!isJsonArray(aliases)) throw invalidSchema(`aliases not an array: ${printJson(json)}`)
  return aliases.map((alias) => {
    if (typeof alias !== 'string') throw invalidSchema(`alias not a string: ${printJson(alias)}`)
    return alias
  })
}

/** Text, or nothing when the member is missing or of another type: Avro Java looks past those. */
export function optionalText(json: JsonValue | undefined): string | undefined {
  return typeof json === 'string' ? json : undefined
}

const ENUM_MEMBERS = new Set([...SCHEMA_MEMBERS, 'default'])
