import { isJsonArray, isJsonNumber, isJsonObject, type JsonValue, latin1Text } from '../json/json-value.ts'
import { isValidDefault } from '../schema/default-rules.ts'
import { branchName, type SchemaNode } from '../schema/schema-node.ts'
import { logicalValueOf } from './logical-values.ts'
import { unionShape } from './union-shape.ts'

/** The JavaScript value that a default in a schema stands for. Throws `UnusableDefault`, which stored schemas may have. */
export function valueOfDefault(node: SchemaNode, json: JsonValue): unknown {
  if (node.kind === 'union') {
    const branch = node.branches.find((candidate) => isValidDefault(candidate, json))
    if (!branch) throw new UnusableDefault()
    const value = valueOfDefault(branch, json)
    return branch.kind === 'null' || unionShape(node) === 'plain' ? value : { [branchName(branch)]: value }
  }
  if (!isValidDefault(node, json)) throw new UnusableDefault()
  if (node.kind === 'enum' && !node.symbols.includes(json as string)) throw new UnusableDefault()
  const stored = storedValue(node, json)
  return logicalValueOf(node)?.toValue(stored) ?? stored
}

export class UnusableDefault extends Error {}

function storedValue(node: SchemaNode, json: JsonValue): unknown {
  if (node.kind === 'array' && isJsonArray(json)) return json.map((item) => valueOfDefault(node.items, item))
  if (node.kind === 'map' && isJsonObject(json)) {
    return Object.fromEntries(Array.from(json, ([key, value]) => [key, valueOfDefault(node.values, value)]))
  }
  if (node.kind === 'record' && isJsonObject(json)) {
    return Object.fromEntries(
      node.fields.map(({ name, type, defaultValue }) => {
        const given = json.has(name) ? json.get(name) : defaultValue
        return [name, valueOfDefault(type, given ?? null)]
      }),
    )
  }
  if (isJsonNumber(json)) return node.kind === 'long' ? BigInt(json.value) : Number(json.value)
  if (typeof json === 'string' && (node.kind === 'bytes' || node.kind === 'fixed')) {
    const bytes = Buffer.from(latin1Text(json), 'latin1')
    if (node.kind === 'fixed' && bytes.length !== node.size) throw new UnusableDefault()
    return bytes
  }
  // Half a character cannot be written: Java makes a question mark of it.
  return typeof json === 'string' ? json.replaceAll(/\p{Surrogate}/gu, '?') : json
}
