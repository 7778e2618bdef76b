import { invalidSchema } from '../errors.ts'
import { isJsonArray, isJsonNumber, isJsonObject, type JsonValue, printJson } from '../json/json-value.ts'
import { canonicalText } from './canonical.ts'
import type { FieldNode, PrimitiveKind, RecordNode, SchemaNode } from './schema-node.ts'

/**
 * Throws `AVRO_SCHEMA_INVALID` when the default of a field is not a value of its type. `isComplete` tells whether the
 * fields of a record are known already: a default that needs them before is refused, as Avro Java does.
 */
export function checkDefault(field: FieldNode, isComplete: (record: RecordNode) => boolean = () => true): void {
  if (field.defaultValue === undefined) return
  const rules: Rules = {
    fieldsOf(record) {
      if (!isComplete(record)) throw invalidSchema('Schema fields not set yet')
      return record.fields
    },
    // Every field of a complete record was checked before.
    hasDefault: (member) => member.defaultValue !== undefined,
  }
  if (fits(field.type, field.defaultValue, rules)) return
  const shown = `${printJson(field.defaultValue)} not a ${canonicalText(field.type)}`
  throw invalidSchema(`Invalid default for field ${field.name}: ${shown}`)
}

/** As Avro Java judges: any branch of a union will do, the length of a fixed and the symbols of an enum do not count. */
export function isValidDefault(node: SchemaNode, json: JsonValue): boolean {
  return fits(node, json, { fieldsOf: (record) => record.fields, hasDefault: hasUsableDefault })
}

interface Rules {
  fieldsOf(record: RecordNode): readonly FieldNode[]
  hasDefault(field: FieldNode): boolean
}

function fits(node: SchemaNode, json: JsonValue, rules: Rules): boolean {
  if (node.kind === 'union') return node.branches.some((branch) => fits(branch, json, rules))
  if (node.kind === 'array') return isJsonArray(json) && json.every((item) => fits(node.items, item, rules))
  if (node.kind === 'map') {
    return isJsonObject(json) && [...json.values()].every((value) => fits(node.values, value, rules))
  }
  if (node.kind !== 'record') return isValidLeaf(node.kind, json)
  if (!isJsonObject(json)) return false
  return rules.fieldsOf(node).every((field) => {
    const given = json.get(field.name)
    return given === undefined ? rules.hasDefault(field) : fits(field.type, given, rules)
  })
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
