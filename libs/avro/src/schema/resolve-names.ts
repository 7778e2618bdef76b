import { invalidSchema } from '../errors.ts'
import { checkDefault } from './default-rules.ts'
import { holdsHugeInteger } from './schema-members.ts'
import {
  type ArrayNode,
  branchName,
  type FieldNode,
  isNamed,
  type MapNode,
  type NamedNode,
  type RecordNode,
  type SchemaNode,
  type UnionNode,
} from './schema-node.ts'

export interface OpenNames {
  /** All types that have a name, those of earlier texts among them. */
  readonly types: ReadonlyMap<string, NamedNode>
  /** Those of this text, in the order in which they were completed. */
  readonly fresh: Iterable<NamedNode>
  /** Placeholders, and the full names they stand for. */
  readonly open: ReadonlyMap<SchemaNode, string>
  /** Whether defaults are checked. */
  readonly strict: boolean
}

/**
 * Puts the real types where a name was used before its definition, in place, and checks what can only be known then.
 * The walk goes the way of Avro Java's `ResolvingVisitor`, because the order decides which records are complete when a
 * default that needs their fields is checked: one that leans on a record around it is refused.
 */
export function resolveNames(root: SchemaNode, names: OpenNames): SchemaNode {
  const walk = new Walk(names)
  for (const type of names.fresh) walk.visit(type)
  if (isNamed(root)) return knownType(root, names)
  walk.visit(root)
  return root
}

/** A named root is looked up by its name: an equal definition that came first takes its place. */
function knownType(root: NamedNode, { types }: OpenNames): NamedNode {
  const type = types.get(root.name.full)
  if (!type) throw invalidSchema(`Unknown schema: ${root.name.full}`)
  return type
}

class Walk {
  readonly #names: OpenNames
  readonly #started = new Set<SchemaNode>()
  readonly #complete = new Set<SchemaNode>()

  constructor(names: OpenNames) {
    this.#names = names
  }

  visit(start: SchemaNode): void {
    this.#visit(start, new Set())
  }

  /** `seen` belongs to one call of `visit`: a call from within walks through its surroundings once more. */
  #visit(node: SchemaNode, seen: Set<SchemaNode>): void {
    if (seen.has(node)) return
    seen.add(node)
    const name = this.#names.open.get(node)
    if (name !== undefined) {
      const type = this.#typeOf(name)
      if (!this.#started.has(type)) this.visit(type)
    } else if (node.kind === 'record') {
      this.#started.add(node)
      for (const type of node.fields.map((field) => field.type)) this.#visit(type, seen)
      if (!this.#complete.has(node)) this.#finishRecord(node)
    } else if (node.kind === 'union') {
      for (const branch of node.branches.toReversed()) this.#visit(branch, seen)
      this.#finishUnion(node)
    } else if (node.kind === 'array' || node.kind === 'map') {
      this.#visit(node.kind === 'array' ? node.items : node.values, seen)
      if (node.kind === 'array') (node as Writable<ArrayNode>).items = this.#resolved(node.items)
      else (node as Writable<MapNode>).values = this.#resolved(node.values)
      checkProperties(node)
    }
  }

  #finishRecord(node: RecordNode): void {
    for (const field of node.fields) {
      const writable: Writable<FieldNode> = field
      writable.type = this.#resolved(field.type)
      if (this.#names.strict) checkDefault(field, (record) => !this.#started.has(record) || this.#complete.has(record))
    }
    this.#complete.add(node)
    checkProperties(node)
  }

  #finishUnion(node: UnionNode): void {
    const writable: Writable<UnionNode> = node
    writable.branches = node.branches.map((branch) => this.#resolved(branch))
    checkBranches(node.branches)
  }

  #resolved(node: SchemaNode): SchemaNode {
    const name = this.#names.open.get(node)
    return name === undefined ? node : this.#typeOf(name)
  }

  #typeOf(name: string): NamedNode {
    const type = this.#names.types.get(name)
    if (!type) throw invalidSchema(`Undefined schema: ${name}`)
    return type
  }
}

/** No two branches of a union may have one name. */
export function checkBranches(branches: readonly SchemaNode[]): void {
  const names = new Set<string>()
  for (const branch of branches) {
    const name = branchName(branch)
    if (names.has(name)) throw invalidSchema(`Duplicate in union:${name}`)
    names.add(name)
  }
}

/** Avro Java copies these types and loses integers of more than 64 bits on the way, which it then refuses. */
function checkProperties(node: RecordNode | ArrayNode | MapNode): void {
  for (const [name, value] of node.properties) {
    if (holdsHugeInteger(value)) throw invalidSchema(`Can't set a property to null: ${name}`)
  }
}

type Writable<T> = { -readonly [Member in keyof T]: T[Member] }
