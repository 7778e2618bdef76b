import type { JsonObject, JsonValue } from '../json/json-value.ts'

/** Avro's types without parameters. */
export const PRIMITIVE_KINDS = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
export type PrimitiveKind = (typeof PRIMITIVE_KINDS)[number]

/** A schema after parsing; its type may be of any kind, also a union. */
export interface ParsedSchema {
  readonly root: SchemaNode
  /** Full names of the schemas it was parsed with: types of these names are printed as names, never in full. */
  readonly referenced?: ReadonlySet<string>
}

/** One type in a parsed schema. References by name are resolved: the same named type is the same object everywhere. */
export type SchemaNode = PrimitiveNode | ArrayNode | MapNode | UnionNode | NamedNode
export type NamedNode = RecordNode | EnumNode | FixedNode

/** Members that Avro does not define, logical types among them, in the order they were written. */
interface WithProperties {
  readonly properties: JsonObject
}

export interface PrimitiveNode extends WithProperties {
  readonly kind: PrimitiveKind
}

export interface ArrayNode extends WithProperties {
  readonly kind: 'array'
  readonly items: SchemaNode
}

export interface MapNode extends WithProperties {
  readonly kind: 'map'
  readonly values: SchemaNode
}

export interface UnionNode {
  readonly kind: 'union'
  readonly branches: readonly SchemaNode[]
}

/** `namespace` is absent for the null namespace. */
export interface FullName {
  readonly name: string
  readonly namespace: string | undefined
  readonly full: string
}

interface Named extends WithProperties {
  readonly name: FullName
  readonly aliases: readonly FullName[]
  readonly doc: string | undefined
}

export interface RecordNode extends Named {
  readonly kind: 'record'
  readonly isError: boolean
  readonly fields: readonly FieldNode[]
}

export interface FieldNode extends WithProperties {
  readonly name: string
  /** Counted from 0. */
  readonly position: number
  readonly type: SchemaNode
  readonly doc: string | undefined
  /** Absent: there is none. JSON null is a default of its own. */
  readonly defaultValue: JsonValue | undefined
  readonly order: 'ascending' | 'descending' | 'ignore'
  readonly aliases: readonly string[]
}

export interface EnumNode extends Named {
  readonly kind: 'enum'
  readonly symbols: readonly string[]
  readonly defaultSymbol: string | undefined
}

export interface FixedNode extends Named {
  readonly kind: 'fixed'
  readonly size: number
}

export function isNamed(node: SchemaNode): node is NamedNode {
  return node.kind === 'record' || node.kind === 'enum' || node.kind === 'fixed'
}

export function isPrimitive(node: SchemaNode): node is PrimitiveNode {
  return (PRIMITIVE_KINDS as readonly string[]).includes(node.kind)
}

/** What a branch of a union is called: a named type by its full name, any other by its kind. */
export function branchName(node: SchemaNode): string {
  return isNamed(node) ? node.name.full : node.kind
}

/** Splits `a.b.C` into name and namespace; a name without dot takes `enclosing`; an empty namespace is the null one. */
export function fullName(text: string, enclosing: string | undefined): FullName {
  const dot = text.lastIndexOf('.')
  const name = text.slice(dot + 1)
  const namespace = (dot < 0 ? enclosing : text.slice(0, dot)) || undefined
  return { name, namespace, full: namespace === undefined ? name : `${namespace}.${name}` }
}

/** An alias as Avro Java's `getAliases` tells it: one without namespace of a type that has one begins with a dot. */
export function aliasText(alias: FullName, type: NamedNode): string {
  return alias.namespace === undefined && type.name.namespace !== undefined ? `.${alias.name}` : alias.full
}
