import {
  branchName,
  type EnumNode,
  type FieldNode,
  type PrimitiveKind,
  type RecordNode,
  type SchemaNode,
  type UnionNode,
} from '../schema/schema-node.ts'
import {
  type ByteSink,
  writeBoolean,
  writeBytes,
  writeDouble,
  writeFixed,
  writeFloat,
  writeInt,
  writeLong,
  writeString,
} from '../binary/byte-sink.ts'
import { UnusableDefault, valueOfDefault } from './default-value.ts'
import { logicalValueOf } from './logical-values.ts'
import { inWords, Misfit, rethrowFrom } from './misfit.ts'
import { recordEncoder } from './record-encoder.ts'
import { plainType, unionShape } from './union-shape.ts'

/** Writes one value. Throws `Misfit` at the first thing that does not fit; what was written until then is of no use. */
export type Encode = (sink: ByteSink, value: unknown) => void

/** Strict in both directions: a field the schema does not know is refused just like one that is missing. */
export function encoderFor(root: SchemaNode): Encode {
  return new EncodePlan().encoder(root)
}

class EncodePlan {
  readonly #known = new Map<SchemaNode, Encode>()

  encoder(node: SchemaNode): Encode {
    const done = this.#known.get(node)
    if (done) return done
    // Recursive types meet themselves before they are finished.
    this.#known.set(node, (sink, value) => made(sink, value))
    const made = this.#plan(node)
    this.#known.set(node, made)
    return made
  }

  #plan(node: SchemaNode): Encode {
    const logical = logicalValueOf(node)
    if (!logical) return this.#stored(node)
    const encode = this.#stored(node)
    return (sink, value) => encode(sink, logical.toStored(value))
  }

  #stored(node: SchemaNode): Encode {
    switch (node.kind) {
      case 'record':
        return this.#record(node)
      case 'union':
        return unionShape(node) === 'plain' ? this.#plainUnion(node) : this.#wrappedUnion(node)
      case 'array':
        return encodeArray(this.encoder(node.items))
      case 'map':
        return encodeMap(this.encoder(node.values))
      case 'enum':
        return encodeEnum(node)
      case 'fixed':
        return (sink, value) =>
          value instanceof Uint8Array && value.length === node.size
            ? writeFixed(sink, value)
            : refuse(`Uint8Array of ${node.size} bytes`, value)
      default:
        return PRIMITIVES[node.kind]
    }
  }

  #record(node: RecordNode): Encode {
    const fields = node.fields.map((field) => {
      const encode = this.encoder(field.type)
      return { name: field.name, encode, fallback: fallbackOf(field, () => encode) }
    })
    return recordEncoder({ name: node.name.full, fields })
  }

  #plainUnion(node: UnionNode): Encode {
    const nullIndex = node.branches.findIndex(({ kind }) => kind === 'null')
    const branches = node.branches.flatMap((branch, index) =>
      branch.kind === 'null' ? [] : [{ type: plainType(branch), index, encode: this.encoder(branch) }],
    )
    const expected = node.branches.map(branchName).join(' or ')
    return (sink, value) => {
      if (value === null && nullIndex >= 0) return writeInt(sink, nullIndex)
      const branch = branches.length === 1 ? branches[0] : branches.find(({ type }) => type === plainTypeOf(value))
      if (!branch || value === null || value === undefined) throw new Misfit(expected, inWords(value))
      writeInt(sink, branch.index)
      branch.encode(sink, value)
    }
  }

  #wrappedUnion(node: UnionNode): Encode {
    const nullIndex = node.branches.findIndex(({ kind }) => kind === 'null')
    const branches = new Map(
      node.branches.map((branch, index) => [branchName(branch), { index, encode: this.encoder(branch) }]),
    )
    const expected = node.branches
      .map((branch) => (branch.kind === 'null' ? 'null' : `{ ${JSON.stringify(branchName(branch))}: … }`))
      .join(' or ')
    return (sink, value) => {
      if (value === null && nullIndex >= 0) return writeInt(sink, nullIndex)
      const names = typeof value === 'object' && value !== null ? Object.keys(value) : []
      const [name = ''] = names
      const branch = names.length === 1 && name !== 'null' ? branches.get(name) : undefined
      if (!branch) throw new Misfit(expected, inWords(value))
      writeInt(sink, branch.index)
      try {
        branch.encode(sink, (value as Record<string, unknown>)[name])
      } catch (error) {
        rethrowFrom(error, `[${JSON.stringify(name)}]`)
      }
    }
  }
}

const PRIMITIVES: Readonly<Record<PrimitiveKind, Encode>> = {
  null: (_, value) => {
    if (value !== null) refuse('null', value)
  },
  boolean: (sink, value) => (typeof value === 'boolean' ? writeBoolean(sink, value) : refuse('boolean', value)),
  string: (sink, value) => (typeof value === 'string' ? writeString(sink, value) : refuse('string', value)),
  bytes: (sink, value) => (value instanceof Uint8Array ? writeBytes(sink, value) : refuse('Uint8Array', value)),
  float: (sink, value) => (typeof value === 'number' ? writeFloat(sink, value) : refuse('number', value)),
  double: (sink, value) => (typeof value === 'number' ? writeDouble(sink, value) : refuse('number', value)),
  int: (sink, value) =>
    typeof value === 'number' && (value | 0) === value
      ? writeInt(sink, value)
      : refuse('whole number of 32 bits', value),
  long: (sink, value) => {
    if (typeof value === 'bigint' && value >= LONG_MIN && value <= LONG_MAX) return writeLong(sink, value)
    const hint =
      typeof value === 'number' && Number.isInteger(value) ? `Write ${value}n instead of ${value}.` : undefined
    throw new Misfit('bigint of 64 bits', inWords(value), hint)
  },
}

const LONG_MIN = -(2n ** 63n)
const LONG_MAX = 2n ** 63n - 1n

/** Writes the default of a field; nothing when the schema has none that could be written. */
function fallbackOf({ defaultValue, type }: FieldNode, encoder: () => Encode): ((sink: ByteSink) => void) | undefined {
  if (defaultValue === undefined) return undefined
  try {
    valueOfDefault(type, defaultValue)
  } catch (error) {
    if (error instanceof UnusableDefault) return undefined
    throw error
  }
  return (sink) => encoder()(sink, valueOfDefault(type, defaultValue))
}

function encodeEnum(node: EnumNode): Encode {
  const indexes = new Map<unknown, number>(node.symbols.map((symbol, index) => [symbol, index]))
  const expected = `one of ${node.symbols.join(', ')}`
  return (sink, value) => writeInt(sink, indexes.get(value) ?? refuse(expected, value))
}

function encodeArray(encodeItem: Encode): Encode {
  return (sink, value) => {
    if (!Array.isArray(value)) refuse('array', value)
    const items = value as readonly unknown[]
    if (items.length > 0) writeInt(sink, items.length)
    let index = 0
    try {
      for (; index < items.length; index++) encodeItem(sink, items[index])
    } catch (error) {
      rethrowFrom(error, `[${index}]`)
    }
    writeInt(sink, 0)
  }
}

function encodeMap(encodeValue: Encode): Encode {
  return (sink, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse('object as a map', value)
    const entries = Object.entries(value)
    if (entries.length > 0) writeInt(sink, entries.length)
    for (const [key, member] of entries) {
      writeString(sink, key)
      try {
        encodeValue(sink, member)
      } catch (error) {
        rethrowFrom(error, `[${JSON.stringify(key)}]`)
      }
    }
    writeInt(sink, 0)
  }
}

function plainTypeOf(value: unknown): ReturnType<typeof plainType> {
  if (value instanceof Uint8Array) return 'bytes'
  if (typeof value === 'number' || typeof value === 'bigint') return 'numeric'
  return typeof value === 'boolean' || typeof value === 'string' ? (typeof value as 'boolean' | 'string') : undefined
}

function refuse(expected: string, value: unknown): never {
  throw new Misfit(expected, inWords(value))
}
