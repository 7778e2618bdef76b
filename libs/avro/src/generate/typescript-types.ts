import { logicalValueOf } from '../codec/logical-values.ts'
import { unionShape } from '../codec/union-shape.ts'
import {
  branchName,
  type EnumNode,
  type FieldNode,
  isNamed,
  type NamedNode,
  type RecordNode,
  type SchemaNode,
  type UnionNode,
} from '../schema/schema-node.ts'
import { quoted } from './literal-text.ts'
import { aliasText, memberText, propertyName, type TypeText } from './type-text.ts'

/** `read`: what decoding gives. `write`: what encoding takes, where fields with a default may be left out. */
type Direction = 'read' | 'write'

/** What a type that is declared elsewhere is called there, by its Avro full name. */
export type DeclaredNames = ReadonlyMap<string, { readonly context: string; readonly name: string }>

/**
 * Declares the TypeScript types of one version of an event or of a shared type: its own, those of records and enums inside
 * it, and the `…Input` types for writing. Types inside an event carry its name in front, so that two events, and two
 * versions of one, may use different versions of a type; what it refers to is declared once, where that type is.
 */
export class TypeDeclarations {
  readonly #event: NamedNode
  /** What the event's own type is called. */
  readonly #name: string
  readonly #names = new Map<SchemaNode, string>()
  readonly #texts: string[] = []
  readonly #elsewhere: DeclaredNames
  readonly #used = new Map<string, string>()

  constructor(event: NamedNode, name: string, elsewhere: DeclaredNames = new Map()) {
    this.#elsewhere = elsewhere
    this.#event = event
    this.#name = name
    this.#names.set(event, name)
  }

  /** Everything that `declare` declares. */
  get declared(): readonly string[] {
    const names = [...this.#names.values()]
    return this.#event.kind === 'record' ? [...new Set([...names, `${this.#name}Input`])] : names
  }

  /** By their Avro full names: for schemas that refer to this one. */
  namesIn(context: string): DeclaredNames {
    const own = Array.from(
      this.#names,
      ([node, name]) => [isNamed(node) ? node.name.full : '', { context, name }] as const,
    )
    return new Map([...this.#elsewhere, ...own])
  }

  /** Names that `declare` took from elsewhere, with their contexts. */
  get used(): ReadonlyMap<string, string> {
    return this.#used
  }

  /** Those of the parts first, the event's last. */
  declare(): string {
    const { kind } = this.#event
    if (kind === 'record') this.#declareRecord(this.#event)
    else if (kind === 'enum') this.#declareEnum(this.#event, this.#name)
    else this.#texts.push(aliasText(this.#name, logicalValueOf(this.#event)?.typescript ?? PRIMITIVES.fixed))
    return this.#texts.join('\n')
  }

  #declareRecord(record: RecordNode): void {
    const name = this.#nameOf(record, '')
    const read = this.#members(record, 'read')
    const doc = comment(record.doc, '')
    this.#texts.push(
      read === '' ? `${doc}${aliasText(name, NO_MEMBERS)}` : `${doc}export interface ${name} {\n${read}}\n`,
    )
    if (!hasDefaults(record)) {
      if (record === this.#event) this.#texts.push(aliasText(`${name}Input`, name))
      return
    }
    const fields = `/** What is given to write \`${name}\`. Fields with a default may be left out. */\n`
    this.#texts.push(`${fields}export interface ${name}Input {\n${this.#members(record, 'write')}}\n`)
  }

  #members(record: RecordNode, direction: Direction): string {
    return record.fields.map((field) => this.#member(field, direction)).join('')
  }

  #member(field: FieldNode, direction: Direction): string {
    const type = this.#type(field.type, direction)
    if (direction === 'read' || field.defaultValue === undefined)
      return `${comment(field.doc, '  ')}${memberText(propertyName(field.name), type, 2)}\n`
    const orUndefined = { union: [...branchesOf(type), 'undefined'] }
    return `${comment(field.doc, '  ')}${memberText(`${propertyName(field.name)}?`, orUndefined, 2)}\n`
  }

  #type(node: SchemaNode, direction: Direction): TypeText {
    const logical = logicalValueOf(node)
    if (logical) return logical.typescript
    switch (node.kind) {
      case 'record':
        return this.#nameOf(node, direction === 'write' && hasDefaults(node) ? 'Input' : '')
      case 'enum':
        return this.#nameOf(node, '')
      case 'union':
        return this.#union(node, direction)
      case 'array':
        return { list: this.#type(node.items, direction) }
      case 'map':
        return { map: this.#type(node.values, direction) }
      default:
        return PRIMITIVES[node.kind]
    }
  }

  #union(union: UnionNode, direction: Direction): TypeText {
    const isPlain = unionShape(union) === 'plain'
    const nullLast = union.branches.toSorted(
      (left, right) => Number(left.kind === 'null') - Number(right.kind === 'null'),
    )
    const types = nullLast.map((branch): TypeText => {
      const type = this.#type(branch, direction)
      return isPlain || branch.kind === 'null' ? type : { members: [[propertyName(branchName(branch)), type]] }
    })
    const [only, ...others] = types
    return only !== undefined && others.length === 0 ? only : { union: types }
  }

  /** Declares a record or enum when it is first met, unless it is declared elsewhere. */
  #nameOf(node: RecordNode | EnumNode, suffix: '' | 'Input'): string {
    const elsewhere = node === this.#event ? undefined : this.#elsewhere.get(node.name.full)
    if (elsewhere !== undefined) {
      this.#used.set(elsewhere.name + suffix, elsewhere.context)
      return elsewhere.name + suffix
    }
    return (this.#names.get(node) ?? this.#declare(node)) + suffix
  }

  #declare(node: RecordNode | EnumNode): string {
    const wanted = this.#name + upperFirst(node.name.name.replaceAll('_', ''))
    const taken = new Set([...this.#names.values()].flatMap((name) => [name, `${name}Input`]))
    let name = wanted
    for (let number = 2; taken.has(name) || taken.has(`${name}Input`); number++) name = wanted + String(number)
    this.#names.set(node, name)
    if (node.kind === 'record') this.#declareRecord(node)
    else this.#declareEnum(node, name)
    return name
  }

  #declareEnum({ doc, symbols }: EnumNode, name: string): void {
    this.#texts.push(`${comment(doc, '')}${aliasText(name, { union: symbols.map(quoted) })}`)
  }
}

const NO_MEMBERS = 'Readonly<Record<string, never>>'

const PRIMITIVES = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'bigint',
  float: 'number',
  double: 'number',
  bytes: 'Uint8Array',
  fixed: 'Uint8Array',
  string: 'string',
} as const

/** Does any field in it, at any depth, have a default? Then writing takes less than reading gives. */
function hasDefaults(record: RecordNode): boolean {
  const seen = new Set<SchemaNode>()
  const visit = (node: SchemaNode): boolean => {
    if (isNamed(node)) {
      if (seen.has(node)) return false
      seen.add(node)
    }
    if (node.kind === 'array') return visit(node.items)
    if (node.kind === 'map') return visit(node.values)
    if (node.kind === 'union') return node.branches.some(visit)
    return node.kind === 'record' && node.fields.some((field) => field.defaultValue !== undefined || visit(field.type))
  }
  return visit(record)
}

function comment(doc: string | undefined, indent: string): string {
  if (!doc) return ''
  const lines = doc
    .replaceAll('*/', '*\u2215')
    .trim()
    .split(/\s*\n\s*/)
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join('')}${indent} */\n`
}

export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function branchesOf(type: TypeText): readonly TypeText[] {
  return typeof type !== 'string' && 'union' in type ? type.union : [type]
}
