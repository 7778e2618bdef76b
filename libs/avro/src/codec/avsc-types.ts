import avsc from 'avsc'
import type { SchemaNode } from '../schema/schema-node.ts'

/**
 * avsc's types with the methods that its own types call on each other, which its declarations leave out. Everything in
 * this folder that reads or writes bytes is one of these classes with some of these methods replaced; the version of avsc
 * is pinned for that reason.
 */
export interface WireType extends avsc.Type {
  readonly _branchConstructor: unknown
  _read(tap: Tap): unknown
  /** Throws `Misfit` for a value that is not of this type. */
  _write(tap: Tap, value: unknown): void
  _skip(tap: Tap): void
  /** Gives the resolver its `_read`, when this type can read what `writer` wrote. */
  _update(resolver: WireResolver, writer: WireType, options: object): void
  createResolver(writer: WireType, options?: object): WireResolver
}

export interface WireResolver extends avsc.Resolver {
  _read: (tap: Tap) => unknown
  size: number
}

/** Bytes that avsc reads from or writes to, front to back. Behind the end it reads zeros and writes nothing. */
export interface Tap {
  readonly buf: Buffer
  pos: number
  /** Ours: items of all arrays and maps that were read since the beginning. */
  items?: number
  readInt(): number
  readLong(): number
  readString(): string
  skipLong(): void
  writeLong(value: number): void
  writeString(text: string): void
  writeBytes(bytes: Buffer): void
  writeFixed(bytes: Buffer): void
}

type TypeClass<Members = object> = new (schema?: unknown, options?: object) => WireType & Members

interface RecordMembers {
  readonly fields: readonly { readonly type: WireType }[]
  _createConstructor(): RecordConstructor
  _createWriter(): (tap: Tap, value: unknown) => void
}

export type RecordConstructor = new (...values: unknown[]) => object

interface LogicalMembers {
  readonly underlyingType: WireType
  _fromValue(stored: unknown): unknown
  _toValue(value: unknown): unknown
}

interface UnionMembers {
  readonly types: readonly WireType[]
}

export const { NullType, BooleanType, IntType, LongType, FloatType, DoubleType, StringType, BytesType } =
  avsc.types as unknown as Readonly<Record<string, TypeClass>> & {
    readonly [Name in PrimitiveClassName]: TypeClass
  }

type PrimitiveClassName =
  | 'NullType'
  | 'BooleanType'
  | 'IntType'
  | 'LongType'
  | 'FloatType'
  | 'DoubleType'
  | 'StringType'
  | 'BytesType'

export const {
  EnumType,
  FixedType,
  ArrayType,
  MapType,
  RecordType,
  LogicalType,
  UnwrappedUnionType,
  WrappedUnionType,
} = avsc.types as unknown as {
  readonly EnumType: TypeClass
  readonly FixedType: TypeClass
  readonly ArrayType: TypeClass<{ readonly itemsType: WireType }>
  readonly MapType: TypeClass<{ readonly valuesType: WireType }>
  readonly RecordType: TypeClass<RecordMembers>
  readonly LogicalType: TypeClass<LogicalMembers>
  readonly UnwrappedUnionType: TypeClass<UnionMembers>
  readonly WrappedUnionType: TypeClass<UnionMembers>
}

const NODES = new WeakMap<WireType, SchemaNode>()

/** Remembers which part of a schema a type was made of. */
export function madeOf<Made extends WireType>(node: SchemaNode, type: Made): Made {
  NODES.set(type, node)
  return type
}

export function nodeOf(type: WireType): SchemaNode {
  const node = NODES.get(type)
  if (!node) throw new Error(`a type that was not made here: ${type.typeName}`)
  return node
}
