import { logicalTypeOf, plainType, unionShape, type SchemaNode } from '@keyfold/avro'

type UnionNode = Extract<SchemaNode, { kind: 'union' }>

/**
 * The value of an Avro type that a JSON value stands for, the way this command prints them: longs are whole numbers (or
 * their text), bytes and fixed are base64, timestamps ISO text, other logical types their text; a branch of a union
 * that cannot be told by its type stands in an object under its name. What does not fit is handed on as it is: the
 * encoder says where and why.
 */
export function valueFromJson(node: SchemaNode, json: unknown): unknown {
  const logical = logicalTypeOf(node)
  if (logical?.name === 'timestamp-millis') return dateOf(json)
  // The others are text in both worlds, but for longs that count micro- and nanoseconds.
  if (logical !== undefined && logical !== null && node.kind !== 'long') return json
  if (logical?.name.startsWith('local-timestamp')) return json
  switch (node.kind) {
    case 'long':
      return bigintOf(json)
    case 'float':
    case 'double':
      return typeof json === 'bigint' ? Number(json) : json
    case 'bytes':
    case 'fixed':
      return typeof json === 'string' ? Buffer.from(json, 'base64') : json
    case 'array':
      return Array.isArray(json) ? json.map((item) => valueFromJson(node.items, item)) : json
    case 'map':
      return isObject(json) ? mapped(json, (_name, value) => valueFromJson(node.values, value)) : json
    case 'record': {
      if (!isObject(json)) return json
      const fields = new Map(node.fields.map(({ name, type }) => [name, type]))
      return mapped(json, (name, value) => {
        const type = fields.get(name)
        return type === undefined ? value : valueFromJson(type, value)
      })
    }
    case 'union':
      return ofUnion(node, json)
    default:
      return json
  }
}

function ofUnion(node: UnionNode, json: unknown): unknown {
  if (json === null) return null
  const branches = node.branches.filter(({ kind }) => kind !== 'null')
  if (unionShape(node) === 'plain') {
    const branch = branches.length === 1 ? branches[0] : branches.find((each) => isOfType(plainType(each), json))
    return branch === undefined ? json : valueFromJson(branch, json)
  }
  if (!isObject(json)) return json
  return mapped(json, (name, value) => {
    const branch = branches.find((each) => ('name' in each ? each.name.full : each.kind) === name)
    return branch === undefined ? value : valueFromJson(branch, value)
  })
}

function isOfType(type: ReturnType<typeof plainType>, json: unknown): boolean {
  if (type === 'numeric') return typeof json === 'number' || typeof json === 'bigint'
  return typeof json === (type === 'bytes' ? 'string' : type)
}

function bigintOf(json: unknown): unknown {
  if (typeof json === 'number' && Number.isSafeInteger(json)) return BigInt(json)
  return typeof json === 'string' && /^-?\d{1,19}$/.test(json) ? BigInt(json) : json
}

function dateOf(json: unknown): unknown {
  return typeof json === 'string' || typeof json === 'number' ? new Date(json) : json
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function mapped(
  json: Readonly<Record<string, unknown>>,
  map: (name: string, value: unknown) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, map(name, value)]))
}
