import { isJsonArray, isJsonNumber, isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.ts'
import type { FieldNode, RecordNode, SchemaNode } from './schema-node.ts'

/**
 * Are two definitions the same to `Schema.equals` of Avro Java? Documentation, aliases and the default of an enum do
 * not count; properties, defaults and the order of fields do.
 */
export function sameSchema(left: SchemaNode, right: SchemaNode): boolean {
  return same(left, right, new Map())
}

/** Pairs of records that are being compared: recursive ones would not end otherwise. */
type Seen = Map<RecordNode, Set<RecordNode>>

function same(left: SchemaNode, right: SchemaNode, seen: Seen): boolean {
  if (left === right) return true
  if (left.kind === 'union' || right.kind === 'union') {
    if (left.kind !== 'union' || right.kind !== 'union') return false
    return sameList(left.branches, right.branches, (one, other) => same(one, other, seen))
  }
  if (!sameJson(left.properties, right.properties)) return false
  if (left.kind === 'record' && right.kind === 'record') return sameRecord(left, right, seen)
  if (left.kind === 'enum' && right.kind === 'enum') {
    return left.name.full === right.name.full && sameList(left.symbols, right.symbols, Object.is)
  }
  if (left.kind === 'fixed' && right.kind === 'fixed') {
    return left.name.full === right.name.full && left.size === right.size
  }
  if (left.kind === 'array' && right.kind === 'array') return same(left.items, right.items, seen)
  if (left.kind === 'map' && right.kind === 'map') return same(left.values, right.values, seen)
  return left.kind === right.kind
}

function sameRecord(left: RecordNode, right: RecordNode, seen: Seen): boolean {
  if (left.name.full !== right.name.full) return false
  const compared = seen.get(left) ?? new Set()
  if (compared.has(right)) return true
  seen.set(left, compared.add(right))
  return sameList(left.fields, right.fields, (one, other) => sameField(one, other, seen))
}

function sameField(left: FieldNode, right: FieldNode, seen: Seen): boolean {
  if (left.name !== right.name || left.order !== right.order) return false
  if (!sameJson(left.properties, right.properties) || !same(left.type, right.type, seen)) return false
  const [one, other] = [left.defaultValue, right.defaultValue]
  return one === undefined || other === undefined ? one === other : sameJson(one, other)
}

/** As Jackson compares: members in any order, and `1` is not `1.0`. */
function sameJson(left: JsonValue | JsonObject, right: JsonValue | JsonObject): boolean {
  if (isJsonObject(left)) {
    if (!isJsonObject(right) || left.size !== right.size) return false
    return [...left].every(([name, value]) => {
      const other = right.get(name)
      return other !== undefined && sameJson(value, other)
    })
  }
  if (isJsonArray(left)) return isJsonArray(right) && sameList(left, right, sameJson)
  if (isJsonNumber(left)) return isJsonNumber(right) && left.kind === right.kind && Object.is(left.value, right.value)
  return left === right
}

function sameList<T>(left: readonly T[], right: readonly T[], equal: (left: T, right: T) => boolean): boolean {
  return left.length === right.length && left.every((item, index) => equal(item, right[index] as T))
}
