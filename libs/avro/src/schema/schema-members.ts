import { isJsonArray, isJsonNumber, isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.ts'

/** Members of a type that Avro reads itself; whatever else an object has is a property and is kept. */
export const SCHEMA_MEMBERS: ReadonlySet<string> = new Set(
  'type name namespace doc fields items values size symbols aliases'.split(' '),
)

export const FIELD_MEMBERS: ReadonlySet<string> = new Set('name type doc default order aliases'.split(' '))

export function propertiesOf(json: JsonObject, members: ReadonlySet<string>): JsonObject {
  return new Map(Array.from(json).filter(([name]) => !members.has(name)))
}

/** Is there an integer of more than 64 bits anywhere in the value? */
export function holdsHugeInteger(json: JsonValue): boolean {
  if (isJsonObject(json)) return [...json.values()].some(holdsHugeInteger)
  if (isJsonArray(json)) return json.some(holdsHugeInteger)
  return isJsonNumber(json) && json.kind === 'integer' && BigInt.asIntN(64, json.value) !== json.value
}
