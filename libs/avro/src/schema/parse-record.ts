import { invalidSchema } from '../errors.ts'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, printJson } from '../json/json-value.ts'
import type { NameScope, ParseType } from './name-scope.ts'
import { optionalText, parseAliases, parseHeader } from './parse-named.ts'
import { FIELD_MEMBERS, propertiesOf, SCHEMA_MEMBERS } from './schema-members.ts'
import type { FieldNode, RecordNode } from './schema-node.ts'

/** A record or error. Its name is known inside its own fields, so that types can be recursive. */
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
  scope.add(node)
  const list = json.get('fields')
  if (!isJsonArray(list)) throw invalidSchema(`Record has no fields: ${printJson(json)}`)
  for (const item of list) {
    const field = { ...parseField(item, node, scope, parseType), position: fields.length }
    const twin = fields.find((other) => other.name === field.name)
    if (twin) {
      const both = `${inWords(field)} and ${inWords(twin)}`
      throw invalidSchema(`Duplicate field ${field.name} in record ${node.name.full}: ${both}.`)
    }
    fields.push(field)
  }
  scope.checkRedefinition(node)
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
  return {
    name,
    type: parseType(type, record.name.namespace, scope),
    doc: optionalText(json.get('doc')),
    defaultValue: json.get('default'),
    order: parseOrder(json.get('order')),
    aliases: [...new Set(parseAliases(json))],
    properties: propertiesOf(json, FIELD_MEMBERS),
  }
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
