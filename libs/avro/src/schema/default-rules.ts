import { invalidSchema } from '../errors.ts'
import {
  isJsonArray,
  isJsonNumber,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  printJson,
} from '../json/json-value.ts'
import { canonicalText } from './canonical.ts'
import type { FieldNode, PrimitiveKind, SchemaNode } from './schema-node.ts'

/** Throws `AVRO_SCHEMA_INVALID` when the default of any field is not a value of its type. */
export function checkDefaults(root: SchemaNode): void {
  const seen = new Set<SchemaNode>()
  const visit = (node: SchemaNode): void => {
    if (seen.has(node)) return
    seen.add(node)
    if (node.kind === 'array') visit(node.items)
    else if (node.kind === 'map') visit(node.values)
    else if (node.kind === 'union') node.branches.forEach(visit)
    else if (node.kind === 'record') {
      for (const field of node.fields) {
        checkDefault(field)
        visit(field.type)
      }
    }
  }
  visit(root)
}

function checkDefault(field: FieldNode): void {
  if (field.defaultValue === undefined || hasUsableDefault(field)) return
  const shown = `${printJson(field.defaultValue)} not a ${canonicalText(field.type)}`
  throw invalidSchema(`Invalid default for field ${field.name}: ${shown}`)
}

/** As Avro Java judges: any branch of a union will do, the length of a fixed and the symbols of an enum do not count. */
export function isValidDefault(node: SchemaNode, json: JsonValue): boolean {
  if (node.kind === 'union') return node.branches.some((branch) => isValidDefault(branch, json))
  if (node.kind === 'array') return isJsonArray(json) && json.every((item) => isValidDefault(node.items, item))
  if (node.kind === 'map') {
    return isJsonObject(json) && [...json.values()].every((value) => isValidDefault(node.values, value))
  }
  if (node.kind === 'record') return isJsonObject(json) && node.fields.every((field) => isValidMember(field, json))
  return isValidLeaf(node.kind, json)
}

function isValidMember(field: FieldNode, json: JsonObject): boolean {
  const given = json.get(field.name)
  return given === undefined ? hasUsableDefault(field) : isValidDefault(field.type, given)
}

/**
 * Verdicts by field: a record default that leans on the defaults inside it is judged once, not once for every path that
 * leads to it. A default that leans on itself never ends and is not valid.
 */
const verdicts = new WeakMap<FieldNode, boolean>()

function hasUsableDefault(field: FieldNode): boolean {
  if (field.defaultValue === undefined) return false
  const known = verdicts.get(field)
  if (known !== undefined) return known
  verdicts.set(field, false)
  const verdict = isValidDefault(field.type, field.defaultValue)
  verdicts.set(field, verdict)
  return verdict
}

function isValidLeaf(kind: PrimitiveKind | 'enum' | 'fixed', json: JsonValue): boolean {
  if (kind === 'null') return json === null
  if (kind === 'boolean') return typeof json === 'boolean'
  if (kind === 'float' || kind === 'double') return isJsonNumber(json)
  if (kind !== 'int' && kind !== 'long') return typeof json === 'string'
  const bits = kind === 'int' ? 32 : 64
  return isJsonNumber(json) && json.kind === 'integer' && BigInt.asIntN(bits, json.value) === json.value
}
