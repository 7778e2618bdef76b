import avsc from 'avsc'
import { isNamed, type NamedNode, type SchemaNode } from '../schema/schema-node.ts'
import { boundedContainer } from './bounded-containers.ts'
import { longFromVarint, longToVarint } from './varint-long.ts'

/**
 * The bytes of one schema, by avsc. Values are *raw* here: longs are bigint, record fields are called `f0`, `f1` …,
 * enum symbols `S0`, `S1` …, and every branch of a union but null is wrapped in its `rawBranchName`.
 *
 * avsc writes source code for every type it is given. It only ever sees names made here, so no name from a schema, which
 * may come from a stranger, becomes code; nor do avsc's rules for names and defaults refuse what Avro allows.
 */
export interface ByteCodec {
  encode(raw: unknown): Buffer
  /** `offset` is -1 when the bytes end before the value does. */
  decode(bytes: Buffer, offset: number): { readonly value: unknown; readonly offset: number }
  rawBranchName(branch: SchemaNode): string
}

/** Throws avsc's own error for what it cannot build: unions and enums without any members. */
export function byteCodec(root: SchemaNode): ByteCodec {
  const names = new Map<NamedNode, string>()
  const schema = avscSchema(root, names)
  const type = avsc.Type.forSchema(schema as avsc.Schema, {
    wrapUnions: true,
    omitRecordMethods: true,
    noAnonymousTypes: true,
    registry: { long: BIGINT_LONG },
    typeHook: boundedContainer,
  })
  return {
    encode: (raw) => type.toBuffer(raw),
    decode: (bytes, offset) => type.decode(bytes, offset),
    rawBranchName: (branch) => (isNamed(branch) ? (names.get(branch) ?? '') : branch.kind),
  }
}

export function rawFieldName(position: number): string {
  return `f${position}`
}

export function rawSymbol(position: number): string {
  return `S${position}`
}

function avscSchema(node: SchemaNode, names: Map<NamedNode, string>): unknown {
  if (node.kind === 'union') return node.branches.map((branch) => avscSchema(branch, names))
  if (node.kind === 'array') return { type: 'array', items: avscSchema(node.items, names) }
  if (node.kind === 'map') return { type: 'map', values: avscSchema(node.values, names) }
  if (!isNamed(node)) return node.kind
  const known = names.get(node)
  if (known !== undefined) return known
  const name = `T${names.size}`
  names.set(node, name)
  if (node.kind === 'fixed') return { type: 'fixed', name, size: node.size }
  if (node.kind === 'enum') return { type: 'enum', name, symbols: node.symbols.map((_, index) => rawSymbol(index)) }
  const fields = node.fields.map((field, index) => ({ name: rawFieldName(index), type: avscSchema(field.type, names) }))
  return { type: 'record', name, fields }
}

const BIGINT_LONG = avsc.types.LongType.__with(
  {
    fromBuffer: longFromVarint,
    toBuffer: longToVarint,
    isValid: (value: unknown) => typeof value === 'bigint',
    fromJSON: (value: string | number) => BigInt(value),
    toJSON: (value: bigint) => value.toString(),
    compare: (left: bigint, right: bigint) => (left < right ? -1 : left > right ? 1 : 0),
  },
  true,
)
