import {
  branchName,
  isNamed,
  type FieldNode,
  type RecordNode,
  type SchemaNode,
  type UnionNode,
} from '../schema/schema-node.ts'
import { type ByteCodec, rawFieldName, rawSymbol } from './byte-codec.ts'
import { UnusableDefault, valueOfDefault } from './default-value.ts'
import { logicalValueOf } from './logical-values.ts'
import { inWords, Misfit, rethrowFrom } from './misfit.ts'
import { plainType, unionShape } from './union-shape.ts'

/** Turns a value into the raw one that the byte codec writes. Throws `Misfit` at the first thing that does not fit. */
export type Lower = (value: unknown) => unknown

/** Strict in both directions: a field the schema does not know is refused just like one that is missing. */
export function lowerFor(root: SchemaNode, codec: ByteCodec): Lower {
  const known = new Map<SchemaNode, Lower>()
  const lower = (node: SchemaNode): Lower => {
    const done = known.get(node)
    if (done) return done
    // Recursive types meet themselves before they are finished.
    known.set(node, (value) => (known.get(node) as Lower)(value))
    const made = lowerNode(node, lower, codec)
    known.set(node, made)
    return made
  }
  return lower(root)
}

function lowerNode(node: SchemaNode, lower: (node: SchemaNode) => Lower, codec: ByteCodec): Lower {
  const logical = logicalValueOf(node)
  if (logical) return (value) => logical.toStored(value)
  switch (node.kind) {
    case 'record':
      return lowerRecord(node, lower)
    case 'union':
      return unionShape(node) === 'plain' ? lowerPlainUnion(node, lower, codec) : lowerWrappedUnion(node, lower, codec)
    case 'array':
      return lowerArray(lower(node.items))
    case 'map':
      return lowerMap(lower(node.values))
    case 'enum': {
      const raw = new Map(node.symbols.map((symbol, index) => [symbol, rawSymbol(index)]))
      const expected = `one of ${node.symbols.join(', ')}`
      return (value) => raw.get(value as string) ?? refuse(expected, value)
    }
    case 'fixed':
      return (value) =>
        value instanceof Uint8Array && value.length === node.size
          ? asBuffer(value)
          : refuse(`Uint8Array of ${node.size} bytes`, value)
    default:
      return PRIMITIVES[node.kind]
  }
}

const PRIMITIVES = {
  null: (value: unknown) => (value === null ? value : refuse('null', value)),
  boolean: (value: unknown) => (typeof value === 'boolean' ? value : refuse('boolean', value)),
  string: (value: unknown) => (typeof value === 'string' ? value : refuse('string', value)),
  bytes: (value: unknown) => (value instanceof Uint8Array ? asBuffer(value) : refuse('Uint8Array', value)),
  float: (value: unknown) => (typeof value === 'number' ? value : refuse('number', value)),
  double: (value: unknown) => (typeof value === 'number' ? value : refuse('number', value)),
  int: (value: unknown) =>
    typeof value === 'number' && (value | 0) === value ? value : refuse('whole number of 32 bits', value),
  long: (value: unknown) => {
    if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value
    const hint =
      typeof value === 'number' && Number.isInteger(value) ? `Write ${value}n instead of ${value}.` : undefined
    throw new Misfit('bigint of 64 bits', inWords(value), hint)
  },
} as const

function lowerRecord(node: RecordNode, lower: (node: SchemaNode) => Lower): Lower {
  const fields = node.fields.map((field) => ({
    name: field.name,
    raw: rawFieldName(field.position),
    lower: lower(field.type),
    fallback: fallbackOf(field, lower),
    isInherited: field.name in Object.prototype,
  }))
  const names = new Set(node.fields.map(({ name }) => name))
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(`record ${node.name.full}`, value)
    const given = value as Record<string, unknown>
    const raw: Record<string, unknown> = {}
    for (const field of fields) {
      const member = field.isInherited && !Object.hasOwn(given, field.name) ? undefined : given[field.name]
      try {
        raw[field.raw] = member === undefined && field.fallback ? field.fallback() : field.lower(member)
      } catch (error) {
        rethrowFrom(error, field.name)
      }
    }
    for (const name of Object.keys(given)) {
      if (!names.has(name)) rethrowFrom(new Misfit('no such field', inWords(given[name]), knownFields(node)), name)
    }
    return raw
  }
}

function knownFields(node: RecordNode): string {
  return `${node.name.full} has the fields ${node.fields.map(({ name }) => name).join(', ') || '(none)'}.`
}

/** What is written for a missing field; nothing when the schema has no default that could be. */
function fallbackOf(field: FieldNode, lower: (node: SchemaNode) => Lower): (() => unknown) | undefined {
  const { defaultValue, type } = field
  if (defaultValue === undefined) return undefined
  try {
    valueOfDefault(type, defaultValue)
  } catch (error) {
    if (error instanceof UnusableDefault) return undefined
    throw error
  }
  return () => lower(type)(valueOfDefault(type, defaultValue))
}

function lowerArray(lowerItem: Lower): Lower {
  return (value) => {
    if (!Array.isArray(value)) refuse('array', value)
    return (value as readonly unknown[]).map((item, index) => {
      try {
        return lowerItem(item)
      } catch (error) {
        return rethrowFrom(error, `[${index}]`)
      }
    })
  }
}

function lowerMap(lowerValue: Lower): Lower {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse('object as a map', value)
    const raw: Record<string, unknown> = Object.create(null) as Record<string, unknown>
    for (const [key, member] of Object.entries(value)) {
      try {
        raw[key] = lowerValue(member)
      } catch (error) {
        rethrowFrom(error, `[${JSON.stringify(key)}]`)
      }
    }
    return raw
  }
}

function lowerPlainUnion(node: UnionNode, lower: (node: SchemaNode) => Lower, codec: ByteCodec): Lower {
  const nullable = node.branches.some(({ kind }) => kind === 'null')
  const branches = node.branches
    .filter(({ kind }) => kind !== 'null')
    .map((branch) => ({ type: plainType(branch), raw: codec.rawBranchName(branch), lower: lower(branch) }))
  const expected = node.branches.map(branchName).join(' or ')
  return (value) => {
    if (value === null && nullable) return null
    const branch = branches.length === 1 ? branches[0] : branches.find(({ type }) => type === plainTypeOf(value))
    if (!branch || value === null || value === undefined) throw new Misfit(expected, inWords(value))
    return { [branch.raw]: branch.lower(value) }
  }
}

function plainTypeOf(value: unknown): ReturnType<typeof plainType> {
  if (value instanceof Uint8Array) return 'bytes'
  if (typeof value === 'number' || typeof value === 'bigint') return 'numeric'
  return typeof value === 'boolean' || typeof value === 'string' ? (typeof value as 'boolean' | 'string') : undefined
}

function lowerWrappedUnion(node: UnionNode, lower: (node: SchemaNode) => Lower, codec: ByteCodec): Lower {
  const nullable = node.branches.some(({ kind }) => kind === 'null')
  const branches = new Map(
    node.branches.map((branch) => [branchName(branch), { raw: codec.rawBranchName(branch), lower: lower(branch) }]),
  )
  const expected = node.branches
    .map((branch) => (branch.kind === 'null' ? 'null' : `{ ${JSON.stringify(branchName(branch))}: … }`))
    .join(' or ')
  return (value) => {
    if (value === null && nullable) return null
    const names = typeof value === 'object' && value !== null ? Object.keys(value) : []
    const [name = ''] = names
    const branch = names.length === 1 && name !== 'null' ? branches.get(name) : undefined
    if (!branch) throw new Misfit(expected, inWords(value))
    try {
      return { [branch.raw]: branch.lower((value as Record<string, unknown>)[name]) }
    } catch (error) {
      return rethrowFrom(error, isNamed(node) ? name : `[${JSON.stringify(name)}]`)
    }
  }
}

function refuse(expected: string, value: unknown): never {
  throw new Misfit(expected, inWords(value))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
