import { AvroError, invalidSchema } from '../errors.ts'
import type { JsonValue } from '../json/json-value.ts'
import { SCHEMA_LIMITS } from './limits.ts'
import { resolveNames } from './resolve-names.ts'
import { sameSchema } from './same-schema.ts'
import {
  type FullName,
  fullName,
  type NamedNode,
  PRIMITIVE_KINDS,
  type PrimitiveKind,
  type RecordNode,
  type SchemaNode,
} from './schema-node.ts'

/** What the parsers of the single types call for the types inside them. */
export type ParseType = (json: JsonValue, namespace: string | undefined, scope: NameScope) => SchemaNode

/**
 * The names known so far while a schema and the ones it references are parsed, and the rules they must obey. As in Avro
 * Java 1.12 a type is known once it has been read to its end: a name inside its own definition, or before it, stands
 * open until the text has been read.
 */
export class NameScope {
  readonly strict: boolean
  /** Of texts that were read before this one. */
  readonly #earlier = new Map<string, NamedNode>()
  readonly #types = new Map<string, NamedNode>()
  readonly #open = new Map<SchemaNode, string>()
  #fields = 0

  constructor(strict: boolean) {
    this.strict = strict
  }

  /** A type by name: a primitive, a full name, a name in the enclosing namespace, or one in no namespace. */
  find(name: string, namespace: string | undefined): SchemaNode {
    if (isPrimitiveName(name)) return { kind: name, properties: new Map() }
    const full = namespace === undefined || name.includes('.') ? name : `${namespace}.${name}`
    return this.#known(full) ?? this.#known(name) ?? this.#placeholder(full)
  }

  /** To be called when the type is complete. A name may be defined twice only when both definitions are the same. */
  add(node: NamedNode): void {
    const { full } = node.name
    if (/^\.+$/.test(full)) throw invalidSchema(`The name "${full}" has no part`)
    if (this.strict) checkNameParts(full)
    const known = this.#known(full)
    if (known === undefined) this.#types.set(full, node)
    else if (!sameSchema(node, known)) throw invalidSchema(`Can't redefine: ${full}`)
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
    return name
  }

  /** Field names and enum symbols. */
  checkName(name: string): void {
    const problem = this.strict ? nameProblem(name) : undefined
    if (problem) throw invalidSchema(problem)
  }

  /** Ends one text: puts the real types where a name was used before its definition. Throws when there is none. */
  finish(root: SchemaNode): SchemaNode {
    const types = new Map([...this.#earlier, ...this.#types])
    const fresh = this.#types.values()
    const resolved = resolveNames(root, { types, fresh, open: this.#open, strict: this.strict })
    for (const [name, type] of this.#types) this.#earlier.set(name, type)
    this.#types.clear()
    this.#open.clear()
    this.#fields = 0
    return resolved
  }

  #known(full: string): NamedNode | undefined {
    return this.#earlier.get(full) ?? this.#types.get(full)
  }

  /** Stands for a type that is named before it is defined. Avro Java takes a record without fields for it, too. */
  #placeholder(full: string): RecordNode {
    const name = fullName(`org.apache.avro.compiler.UnresolvedSchema_${this.#open.size}`, undefined)
    const common = { name, aliases: [], doc: 'unresolved schema', properties: new Map() }
    const node: RecordNode = { kind: 'record', isError: false, fields: [], ...common }
    this.#open.set(node, full)
    return node
  }
}

function isPrimitiveName(text: string): text is PrimitiveKind {
  return (PRIMITIVE_KINDS as readonly string[]).includes(text)
}

/** Avro Java checks the whole name when a type is complete, after it has checked its last part. */
function checkNameParts(full: string): void {
  const parts = full.split('.')
  for (const [index, part] of parts.entries()) {
    const problem = nameProblem(part)
    const what = index < parts.length - 1 ? 'Namespace part' : 'Name'
    if (problem) throw invalidSchema(`${what} "${part}" is invalid: ${problem}`)
  }
}

/** What is wrong with a name by the specification, in Avro Java's words. */
function nameProblem(name: string): string | undefined {
  if (name === '') return 'Empty name'
  if (!/^[A-Za-z_]/.test(name)) return `Illegal initial character: ${name}`
  return /^\w+$/.test(name) ? undefined : `Illegal character in: ${name}`
}
