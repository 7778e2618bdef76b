import { AvroError, invalidSchema } from '../errors.ts'
import type { JsonValue } from '../json/json-value.ts'
import { canonicalText } from './canonical.ts'
import { SCHEMA_LIMITS } from './limits.ts'
import {
  type ArrayNode,
  type FieldNode,
  type FullName,
  fullName,
  type MapNode,
  type NamedNode,
  PRIMITIVE_KINDS,
  type PrimitiveKind,
  type SchemaNode,
  type UnionNode,
} from './schema-node.ts'

/** What the parsers of the single types call for the types inside them. */
export type ParseType = (json: JsonValue, namespace: string | undefined, scope: NameScope) => SchemaNode

/** The names known so far while one schema is parsed, and the rules they must obey. */
export class NameScope {
  readonly strict: boolean
  readonly #types = new Map<string, NamedNode>()
  readonly #unresolved = new Map<SchemaNode, string>()
  #fields = 0

  constructor(strict: boolean) {
    this.strict = strict
  }

  /** A type by name: a primitive, a full name, a name in the enclosing namespace, or one in no namespace. */
  find(name: string, namespace: string | undefined): SchemaNode {
    if ((PRIMITIVE_KINDS as readonly string[]).includes(name)) {
      return { kind: name as PrimitiveKind, properties: new Map() }
    }
    const { full } = fullName(name, namespace)
    return this.#types.get(full) ?? this.#types.get(name) ?? this.#placeholder(full)
  }

  add(node: NamedNode): void {
    const { full } = node.name
    if ((PRIMITIVE_KINDS as readonly string[]).includes(full)) {
      throw invalidSchema(`Schemas may not be named after primitives: ${full}`)
    }
    if (!this.#types.has(full)) this.#types.set(full, node)
  }

  /** A name may be defined twice only when both definitions are the same. To be called when the node is complete. */
  checkRedefinition(node: NamedNode): void {
    const earlier = this.#types.get(node.name.full)
    if (earlier !== undefined && earlier !== node && canonicalText(earlier) !== canonicalText(node)) {
      throw invalidSchema(`Can't redefine: ${node.name.full}`)
    }
  }

  countField(): void {
    this.#fields++
    if (this.#fields > SCHEMA_LIMITS.fieldsMax) {
      throw new AvroError('AVRO_SCHEMA_TOO_LARGE', `The schema has more than ${SCHEMA_LIMITS.fieldsMax} fields`, {
        fix: 'Split the schema into smaller ones.',
      })
    }
  }

  /** The name of a type, checked as far as this parse is strict. */
  typeName(text: string, namespace: string | undefined): FullName {
    const name = fullName(text, namespace)
    this.checkName(name.name)
    if (this.strict && name.namespace !== undefined) {
      for (const part of name.namespace.split('.')) {
        const problem = nameProblem(part)
        if (problem) throw invalidSchema(`Namespace part "${part}" is invalid: ${problem}`)
      }
    }
    return name
  }

  /** Field names and enum symbols. */
  checkName(name: string): void {
    const problem = this.strict ? nameProblem(name) : undefined
    if (problem) throw invalidSchema(problem)
  }

  /** Puts the real types where a name was used before its definition. Throws when a name was never defined. */
  resolved(root: SchemaNode): SchemaNode {
    if (this.#unresolved.size === 0) return root
    const seen = new Set<SchemaNode>()
    const resolve = (node: SchemaNode): SchemaNode => {
      const name = this.#unresolved.get(node)
      if (name !== undefined) {
        const type = this.#types.get(name)
        if (type === undefined) throw invalidSchema(`Undefined name: "${name}"`)
        return resolve(type)
      }
      if (!seen.has(node)) {
        seen.add(node)
        replaceChildren(node, resolve)
      }
      return node
    }
    return resolve(root)
  }

  /** Stands for a type that is named before it is defined, which Avro 1.12 allows. */
  #placeholder(full: string): SchemaNode {
    const name = fullName(full, undefined)
    const node: SchemaNode = { kind: 'fixed', name, size: 0, aliases: [], doc: undefined, properties: new Map() }
    this.#unresolved.set(node, full)
    return node
  }
}

type Writable<T> = { -readonly [Member in keyof T]: T[Member] }

function replaceChildren(node: SchemaNode, resolve: (child: SchemaNode) => SchemaNode): void {
  if (node.kind === 'array') (node as Writable<ArrayNode>).items = resolve(node.items)
  if (node.kind === 'map') (node as Writable<MapNode>).values = resolve(node.values)
  if (node.kind === 'union') (node as Writable<UnionNode>).branches = node.branches.map(resolve)
  if (node.kind !== 'record') return
  for (const field of node.fields) (field as Writable<FieldNode>).type = resolve(field.type)
}

/** What is wrong with a name by the specification, in Avro Java's words. */
function nameProblem(name: string): string | undefined {
  if (name === '') return 'Empty name'
  if (!/^[A-Za-z_]/.test(name)) return `Illegal initial character: ${name}`
  return /^\w+$/.test(name) ? undefined : `Illegal character in: ${name}`
}
