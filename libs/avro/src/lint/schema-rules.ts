import { avroType } from '../codec/avro-type.ts'
import { AvroError } from '../errors.ts'
import { printJson } from '../json/json-value.ts'
import { logicalTypeOf } from '../schema/logical-type.ts'
import { stepInto } from '../schema/readable-path.ts'
import { type FieldNode, isNamed, type SchemaNode, type UnionNode } from '../schema/schema-node.ts'
import type { LocatedSchema } from '../source/schema-source.ts'
import type { Report } from './finding.ts'

/** What can be said about one version by itself. */
export function* schemaReports(schema: LocatedSchema): Iterable<Report> {
  yield* codecReports(schema)
  for (const { node, path, field } of typesOf(schema.parsed.root)) {
    const at = schema.at(node)
    if (node.kind === 'enum' && node.defaultSymbol === undefined) {
      yield { rule: 'AVRO_ENUM_NO_DEFAULT', path, message: `The enum ${node.name.full} has no default symbol`, at }
    }
    if ((node.kind === 'float' || node.kind === 'double') && field && namesMoney(field.name)) {
      const message = `${field.name} seems to hold money, and a ${node.kind} rounds it`
      yield { rule: 'AVRO_FLOAT_FOR_MONEY', path, message, at }
    }
    if (node.kind === 'record') for (const member of node.fields) yield* misplacedLogicalType(member, path, schema)
    yield* ignoredLogicalType(node, path, schema)
  }
}

function* codecReports({ parsed }: LocatedSchema): Iterable<Report> {
  try {
    const type = avroType(parsed)
    type.readerOf(type)
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    const { message, fix } = error
    yield { rule: 'AVRO_CODEC_UNREADABLE', path: rootPath(parsed.root), message, fix, at: undefined }
  }
}

function* ignoredLogicalType(node: SchemaNode, path: string, schema: LocatedSchema): Iterable<Report> {
  if (node.kind === 'union' || !node.properties.has('logicalType') || logicalTypeOf(node)) return
  const name = printJson(node.properties.get('logicalType') ?? null)
  const message = `The logical type ${name} is unknown or does not suit ${node.kind}`
  yield { rule: 'AVRO_LOGICAL_TYPE_IGNORED', path, message, at: schema.at(node, 'logicalType') }
}

function* misplacedLogicalType(field: FieldNode, path: string, schema: LocatedSchema): Iterable<Report> {
  if (!field.properties.has('logicalType')) return
  const name = printJson(field.properties.get('logicalType') ?? null)
  const message = `The logical type ${name} stands beside the type of the field, not in it`
  yield {
    rule: 'AVRO_LOGICAL_TYPE_IGNORED',
    path: stepInto(path, field.name),
    message,
    at: schema.at(field, 'logicalType'),
  }
}

const MONEY = new Set(
  'amount price balance cost costs fee fees money salary payment refund cents revenue wage'.split(' '),
)
const NO_MONEY = new Set('rate ratio percent percentage factor share index count weight'.split(' '))

function namesMoney(name: string): boolean {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[_\d]+/)
  return words.some((word) => MONEY.has(word)) && !words.some((word) => NO_MONEY.has(word))
}

export interface TypePlace {
  readonly node: SchemaNode
  readonly path: string
  /** The field that it is the type of, directly or inside a union, array or map. */
  readonly field: FieldNode | undefined
}

/** Every type in a schema, each named one once, with the first way that leads to it. */
export function* typesOf(root: SchemaNode): Iterable<TypePlace> {
  const seen = new Set<SchemaNode>()
  yield* walk({ node: root, path: rootPath(root), field: undefined })
  function* walk(place: TypePlace): Iterable<TypePlace> {
    const { node, path, field } = place
    if (seen.has(node)) return
    seen.add(node)
    yield place
    if (node.kind === 'array') yield* walk({ node: node.items, path: stepInto(path, '[]'), field })
    if (node.kind === 'map') yield* walk({ node: node.values, path: stepInto(path, '{}'), field })
    if (node.kind === 'union') {
      for (const branch of node.branches) yield* walk({ node: branch, path: branchPath(path, node, branch), field })
    }
    if (node.kind !== 'record') return
    for (const member of node.fields)
      yield* walk({ node: member.type, path: stepInto(path, member.name), field: member })
  }
}

/** A way starts with the simple name of the record. */
export function rootPath(root: SchemaNode): string {
  return isNamed(root) ? root.name.name : ''
}

/** Branches are told apart where there are several besides null. */
export function branchPath(path: string, union: UnionNode, branch: SchemaNode): string {
  const others = union.branches.filter(({ kind }) => kind !== 'null')
  return others.length > 1 && branch.kind !== 'null' ? stepInto(path, `<${nameOf(branch)}>`) : path
}

function nameOf(branch: SchemaNode): string {
  return isNamed(branch) ? branch.name.name : branch.kind
}
