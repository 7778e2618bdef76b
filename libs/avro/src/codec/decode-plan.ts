import {
  type ByteSource,
  readBlocks,
  readBoolean,
  readBytes,
  readDouble,
  readFixed,
  readFloat,
  readInt,
  readLong,
  readLongAsNumber,
  readString,
} from '../binary/byte-source.ts'
import { bestBranch } from '../compatibility/best-branch.ts'
import { writerFieldFor } from '../compatibility/compatibility.ts'
import {
  branchName,
  type EnumNode,
  type FieldNode,
  type RecordNode,
  type SchemaNode,
  type UnionNode,
} from '../schema/schema-node.ts'
import { valueOfDefault } from './default-value.ts'
import { logicalTypeOf } from '../schema/logical-type.ts'
import { type LogicalValue, logicalValueOf } from './logical-values.ts'
import { recordDecoder } from './record-code.ts'
import { Skips } from './skip-plan.ts'
import { unionShape } from './union-shape.ts'

/** Reads one value. Throws `RangeError` for bytes that cannot be one. */
export type Decode = (source: ByteSource) => unknown

/**
 * Avro's schema resolution, planned once and run for every record: fields by name or alias, defaults for what the writer
 * did not have, promotions, and of a reader's union the branch that suits best, not the first one that would do. Bytes
 * become values of the reader's schema at once; what it does not have is skipped. The pair must be compatible.
 */
export function decoderFor(writer: SchemaNode, reader: SchemaNode): Decode {
  return new DecodePlan().decoder(writer, reader)
}

class DecodePlan {
  readonly #known = new Map<SchemaNode, Map<SchemaNode, Decode>>()
  readonly #skips = new Skips()

  decoder(writer: SchemaNode, reader: SchemaNode): Decode {
    let known = this.#known.get(writer)
    if (!known) this.#known.set(writer, (known = new Map<SchemaNode, Decode>()))
    const done = known.get(reader)
    if (done) return done
    // Recursive types meet themselves before they are finished.
    known.set(reader, (source) => made(source))
    const made = this.#plan(writer, reader)
    known.set(reader, made)
    return made
  }

  #plan(writer: SchemaNode, reader: SchemaNode): Decode {
    if (writer.kind === 'union') return this.#fromUnion(writer, reader)
    if (reader.kind === 'union') return this.#intoUnion(writer, reader)
    const logical = logicalValueOf(reader)
    return logical ? withLogical(logical, writer, reader, this.#stored(writer, reader)) : this.#stored(writer, reader)
  }

  #stored(writer: SchemaNode, reader: SchemaNode): Decode {
    if (writer.kind === 'record' && reader.kind === 'record') return this.#record(writer, reader)
    if (writer.kind === 'enum' && reader.kind === 'enum') return decodeEnum(writer, reader)
    if (writer.kind === 'array' && reader.kind === 'array') return decodeArray(this.decoder(writer.items, reader.items))
    if (writer.kind === 'map' && reader.kind === 'map') return decodeMap(this.decoder(writer.values, reader.values))
    if (writer.kind === 'fixed') return (source) => readFixed(source, writer.size)
    return PROMOTIONS[`${writer.kind} ${reader.kind}`] ?? PRIMITIVES[writer.kind] ?? unreadable(writer, reader)
  }

  #fromUnion(writer: UnionNode, reader: SchemaNode): Decode {
    const decoders = writer.branches.map((branch) => this.decoder(branch, reader))
    return (source) => {
      const decode = decoders[readInt(source)]
      if (decode === undefined) throw new RangeError('a union has no branch of that number')
      return decode(source)
    }
  }

  #intoUnion(writer: SchemaNode, reader: UnionNode): Decode {
    const branch = bestBranch(writer, reader)
    const decode = this.decoder(writer, branch)
    if (branch.kind === 'null' || unionShape(reader) === 'plain') return decode
    const name = branchName(branch)
    return (source) => ({ [name]: decode(source) })
  }

  #record(writer: RecordNode, reader: RecordNode): Decode {
    const wanted = new Map<FieldNode, FieldNode[]>()
    for (const field of reader.fields) {
      const written = writer === reader ? field : writerFieldFor(writer, field)
      if (written) wanted.set(written, [...(wanted.get(written) ?? []), field])
    }
    const reads: Decode[] = []
    const places = new Map<FieldNode, number>()
    for (const field of writer.fields) {
      const targets = wanted.get(field) ?? []
      for (const [index, target] of targets.entries()) {
        const decode = this.decoder(field.type, target.type)
        places.set(target, reads.length)
        // Several fields that read the same one, by alias: all but the last go back.
        reads.push(index < targets.length - 1 ? peeking(decode) : decode)
      }
      if (targets.length === 0) reads.push(this.#skips.skipper(field.type))
    }
    const members = reader.fields.map((field) => {
      const from = places.get(field) ?? defaultOf(field.type, field.defaultValue ?? null)
      return { name: field.name, from }
    })
    return recordDecoder({ reads, members })
  }
}

function unreadable(writer: SchemaNode, reader: SchemaNode): never {
  throw new TypeError(`${reader.kind} does not read ${writer.kind}`)
}

function peeking(decode: Decode): Decode {
  return (source) => {
    const { position } = source
    const value = decode(source)
    source.position = position
    return value
  }
}

/** Milliseconds need no bigint on their way to a Date. */
function withLogical(logical: LogicalValue, writer: SchemaNode, reader: SchemaNode, decode: Decode): Decode {
  if (writer.kind === 'long' && logicalTypeOf(reader)?.name === 'timestamp-millis') {
    return (source) => new Date(readLongAsNumber(source))
  }
  return (source) => logical.toValue(decode(source))
}

function defaultOf(type: SchemaNode, json: Parameters<typeof valueOfDefault>[1]): () => unknown {
  const value = valueOfDefault(type, json)
  // Lists, bytes, dates and records are made anew for every reader, who may change them.
  return typeof value === 'object' && value !== null ? () => valueOfDefault(type, json) : () => value
}

function decodeEnum(writer: EnumNode, reader: EnumNode): Decode {
  const symbols = writer.symbols.map((symbol) => (reader.symbols.includes(symbol) ? symbol : reader.defaultSymbol))
  return (source) => {
    const symbol = symbols[readInt(source)]
    if (symbol === undefined) throw new RangeError('an enum has no symbol of that number')
    return symbol
  }
}

function decodeArray(decodeItem: Decode): Decode {
  return (source) => {
    const items: unknown[] = []
    readBlocks(source, () => items.push(decodeItem(source)))
    return items
  }
}

function decodeMap(decodeValue: Decode): Decode {
  return (source) => {
    const entries: Record<string, unknown> = {}
    readBlocks(source, () => {
      const key = readString(source)
      const value = decodeValue(source)
      // Assigning to such a member would set the prototype.
      if (key === '__proto__') Object.defineProperty(entries, key, { value, ...ORDINARY })
      else entries[key] = value
    })
    return entries
  }
}

const ORDINARY = { configurable: true, enumerable: true, writable: true }

const PRIMITIVES: Readonly<Record<string, Decode>> = {
  null: () => null,
  boolean: readBoolean,
  int: readInt,
  long: readLong,
  float: readFloat,
  double: readDouble,
  bytes: readBytes,
  string: readString,
}

/** By the kinds of writer and reader. */
const PROMOTIONS: Readonly<Record<string, Decode>> = {
  'int long': (source) => BigInt(readInt(source)),
  'int float': (source) => Math.fround(readInt(source)),
  'int double': readInt,
  'long float': (source) => Math.fround(Number(readLong(source))),
  'long double': (source) => Number(readLong(source)),
  'float double': readFloat,
  'bytes string': (source) => readBytes(source).toString('utf8'),
  'string bytes': readBytes,
}
