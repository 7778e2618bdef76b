import { AvroError, avroType, checkCompatibility, parseSchema, type SchemaNode, unionShape } from '@keyfold/avro'
import type { Comparison } from './compare.ts'
import { copyOf, textOf, type Tree } from './json-tree.ts'
import { SchemaMaker } from './make-schemas.ts'
import { mutated } from './mutate.ts'
import type { Random } from './random.ts'
import { randomBytes } from './random-bytes.ts'

export interface ReadQuestion {
  readonly ask: 'read'
  readonly writer: string
  readonly reader: string
  /** In hexadecimal. */
  readonly bytes: string
}

/** Bytes of a writer's schema, to be read with a compatible one. Logical types are left out: values are the stored ones. */
export function readQuestion(random: Random, corpus: readonly Tree[]): ReadQuestion {
  for (;;) {
    const tree = random.oneIn(2) ? new SchemaMaker(random).schema() : random.pick(corpus)
    const one = withoutLogicalTypes(copyOf(tree))
    const other = random.oneIn(4) ? one : withoutLogicalTypes(mutated(one, random, 3))
    const [writer, reader] = [textOf(one), textOf(other)]
    if (!isReadable(reader, writer)) continue
    const bytes = randomBytes(parseSchema(writer).root, random)
    if (bytes !== undefined) return { ask: 'read', writer, reader, bytes }
  }
}

function withoutLogicalTypes(tree: Tree): Tree {
  if (Array.isArray(tree)) return tree.map(withoutLogicalTypes)
  if (typeof tree !== 'object' || tree === null || 'raw' in tree) return tree
  const members = tree.members.filter(([name]) => name !== 'logicalType')
  return { members: members.map(([name, member]) => [name, withoutLogicalTypes(member)]) }
}

/** Strictly, so that defaults are values; and with bytes at all, which unions and enums without members have not. */
function isReadable(reader: string, writer: string): boolean {
  try {
    const [one, other] = [parseSchema(reader, { strict: true }), parseSchema(writer, { strict: true })]
    if (!checkCompatibility(one, other).compatible || hasTwins(other.root)) return false
    avroType(one).readerOf(avroType(other))
    return true
  } catch (error) {
    if (error instanceof AvroError) return false
    throw error
  }
}

/**
 * Is there a union with two types of one short name? Avro Java takes two such unions for the same one when only the order
 * of the types differs, and reads one type as the other.
 */
function hasTwins(node: SchemaNode, seen = new Set<SchemaNode>()): boolean {
  if (seen.has(node)) return false
  seen.add(node)
  if (node.kind === 'array') return hasTwins(node.items, seen)
  if (node.kind === 'map') return hasTwins(node.values, seen)
  if (node.kind === 'record') return node.fields.some(({ type }) => hasTwins(type, seen))
  if (node.kind !== 'union') return false
  const names = node.branches.flatMap((branch) => ('name' in branch ? [branch.name.name] : []))
  return new Set(names).size < names.length || node.branches.some((branch) => hasTwins(branch, seen))
}

export function compareRead(
  question: ReadQuestion,
  java: { readonly value?: unknown; readonly error?: string },
): Comparison {
  const [reader, writer] = [avroType(question.reader), avroType(question.writer)]
  const bytes = Buffer.from(question.bytes, 'hex')
  // Avro Java's reader refuses more pairs than its checker: those it cannot answer for.
  if (java.error !== undefined) return { outcome: 'skipped' }
  const rewritten = writer.encode(writer.decode(bytes)).toString('hex')
  if (rewritten !== question.bytes) return { outcome: 'different', ours: { rewritten }, java: question.bytes }
  const ours = shown(reader.parsed.root, reader.readerOf(writer)(bytes))
  return JSON.stringify(ours) === JSON.stringify(java.value)
    ? { outcome: 'same' }
    : { outcome: 'different', ours, java: java.value }
}

/** A value so that every type can be told from every other, as the driver shows it. */
function shown(node: SchemaNode, value: unknown): unknown {
  switch (node.kind) {
    case 'null':
      return { null: '' }
    case 'int':
      return { integer: String(value) }
    case 'boolean':
    case 'long':
    case 'string':
      return { [node.kind]: String(value) }
    case 'float':
      return { float: hexOf(4, (view) => view.setFloat32(0, value as number)) }
    case 'double':
      return { double: hexOf(8, (view) => view.setFloat64(0, value as number)) }
    case 'bytes':
      return { bytes: (value as Buffer).toString('hex') }
    case 'fixed':
      return { [`fixed ${node.name.full}`]: (value as Buffer).toString('hex') }
    case 'enum':
      return { [`enum ${node.name.full}`]: value }
    case 'array':
      return { array: (value as unknown[]).map((item) => shown(node.items, item)) }
    case 'map': {
      const entries = Object.entries(value as object).sort(([left], [right]) => (left < right ? -1 : 1))
      return { map: Object.fromEntries(entries.map(([key, entry]) => [key, shown(node.values, entry)])) }
    }
    case 'record': {
      const record = value as Record<string, unknown>
      const fields = node.fields.map((field) => [field.name, shown(field.type, record[field.name])])
      return { [`record ${node.name.full}`]: Object.fromEntries(fields) as object }
    }
    case 'union':
      return shownBranch(node.branches, unionShape(node) === 'wrapped', value)
  }
}

function shownBranch(branches: readonly SchemaNode[], isWrapped: boolean, value: unknown): unknown {
  if (value === null) return { null: '' }
  if (isWrapped) {
    const [[name, inside] = ['', undefined]] = Object.entries(value as object)
    const branch = branches.find((one) => ('name' in one ? one.name.full : one.kind) === name)
    return branch ? shown(branch, inside) : { unknown: name }
  }
  const others = branches.filter(({ kind }) => kind !== 'null')
  const fits = (kind: string) =>
    Buffer.isBuffer(value) ? kind === 'bytes' : kind === typeof value || NUMERIC[typeof value]?.includes(kind)
  const branch = others.length === 1 ? others[0] : others.find(({ kind }) => fits(kind))
  return branch ? shown(branch, value) : { unknown: typeof value }
}

const NUMERIC: Readonly<Record<string, readonly string[]>> = { number: ['int', 'float', 'double'], bigint: ['long'] }

/** Without leading zeros, as Java prints. */
function hexOf(size: number, write: (view: DataView) => void): string {
  const bytes = new ArrayBuffer(size)
  write(new DataView(bytes))
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^0+(?=.)/, '')
}
