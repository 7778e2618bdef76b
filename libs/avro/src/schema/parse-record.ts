import { invalidSchema } from '../errors.ts'
import { parseJavaDouble } from '../json/java-double.ts'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, printJson } from '../json/json-value.ts'
import { checkDefault } from './default-rules.ts'
import type { NameScope, ParseType } from './name-scope.ts'
import { optionalText, parseAliases, parseHeader } from './parse-named.ts'
import { FIELD_MEMBERS, propertiesOf, SCHEMA_MEMBERS } from './schema-members.ts'
import type { FieldNode, RecordNode, SchemaNode } from './schema-node.ts'

/** A record or error. Inside its own fields its name stands open, so that types can be recursive. */
export function parseRecord(
  json: JsonObject,
  namespace: string | undefined,
  scope: NameScope,
  parseType: ParseType,
): RecordNode {
  const header = parseHeader(json, namespace, scope)
  const fields: FieldNode[] = []
  const properties = propertiesOf(json, SCHEMA_MEMBERS)
  const node: RecordNode = { kind: 'record', isError: json.get('type') === 'error', ...header, fields, properties }
  const list = json.get('fields')
  if (!isJsonArray(list)) throw invalidSchema(`Record has no fields: ${printJson(json)}`)
  for (const item of list) {
    const field = { ...parseField(item, node, scope, parseType), position: fields.length }
    if (scope.strict) checkDefault(field)
    const twin = fields.find((other) => other.name === field.name)
    if (twin) {
      const both = `${inWords(field)} and ${inWords(twin)}`
      throw invalidSchema(`Duplicate field ${field.name} in record ${node.name.full}: ${both}.`)
    }
    fields.push(field)
  }
  scope.add(node)
  return node
}

function parseField(
  json: JsonValue,
  record: RecordNode,
  scope: NameScope,
  parseType: ParseType,
): Omit<FieldNode, 'position'> {
  if (!isJsonObject(json) || typeof json.get('name') !== 'string') {
    throw invalidSchema(`No field name: ${printJson(json)}`)
  }
  scope.countField()
  const name = json.get('name') as string
  scope.checkName(name)
  const type = json.get('type')
  if (type === undefined) throw invalidSchema(`No field type: ${printJson(json)}`)
  const node = parseType(type, record.name.namespace, scope)
  return {
    name,
    type: node,
    doc: optionalText(json.get('doc')),
    defaultValue: parseDefault(node, json.get('default')),
    order: parseOrder(json.get('order')),
    aliases: [...new Set(parseAliases(json))],
    properties: propertiesOf(json, FIELD_MEMBERS),
  }
}

/** A default of a float or double may be text, which is how `NaN` and the infinities are written. */
function parseDefault(node: SchemaNode, json: JsonValue | undefined): JsonValue | undefined {
  if (typeof json !== 'string' || (node.kind !== 'float' && node.kind !== 'double')) return json
  const value = parseJavaDouble(json)
  if (value === undefined) throw invalidSchema(`For input string: ${printJson(json)}`)
  return { kind: 'double', value }
}

const ORDERS = ['ascending', 'descending', 'ignore'] as const

function parseOrder(json: JsonValue | undefined): FieldNode['order'] {
  if (json === undefined) return 'ascending'
  const text = typeof json === 'string' ? json : printJson(json)
  const order = ORDERS.find((candidate) => candidate === text.toLowerCase())
  if (!order) throw invalidSchema(`No enum constant org.apache.avro.Schema.Field.Order.${text.toUpperCase()}`)
  return order
}

/** A field the way Avro Java prints it in its messages. */
export function inWords(field: FieldNode): string {
  return `${field.name} type:${field.type.kind.toUpperCase()} pos:${field.position}`
}
