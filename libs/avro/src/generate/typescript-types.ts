import { logicalValueOf } from '../codec/logical-values.ts'
import { unionShape } from '../codec/union-shape.ts'
import {
  branchName,
  type EnumNode,
  type FieldNode,
  isNamed,
  type RecordNode,
  type SchemaNode,
  type UnionNode,
} from '../schema/schema-node.ts'
import { quoted } from './literal-text.ts'
import { aliasText, memberText, propertyName, type TypeText } from './type-text.ts'

/** `read`: what decoding gives. `write`: what encoding takes, where fields with a default may be left out. */
type Direction = 'read' | 'write'

/**
 * Declares the TypeScript types of one version of an event: its own, those of records and enums inside it, and the
 * `…Input` types for writing. Types inside an event carry its name in front, so that two events, and two versions of one,
 * may use different versions of a type.
 */
export class TypeDeclarations {
  readonly #event: RecordNode
  /** What the event's own type is called. */
  readonly #name: string
  readonly #names = new Map<SchemaNode, string>()
  readonly #texts: string[] = []

  constructor(event: RecordNode, name: string) {
    this.#event = event
    this.#name = name
    this.#names.set(event, name)
  }

  /** Everything that `declare` declares. */
  get declared(): readonly string[] {
    return [...new Set([...this.#names.values(), `${this.#name}Input`])]
  }

  /** Those of the parts first, the event's last. */
  declare(): string {
    this.#declareRecord(this.#event)
    return this.#texts.join('\n')
  }

  #declareRecord(record: RecordNode): void {
    const name = this.#nameOf(record)
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
        return this.#nameOf(node) + (direction === 'write' && hasDefaults(node) ? 'Input' : '')
      case 'enum':
        return this.#nameOf(node)
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

  /** Declares a record or enum when it is first met. */
  #nameOf(node: RecordNode | EnumNode): string {
    const known = this.#names.get(node)
    if (known !== undefined) return known
    const wanted = this.#name + upperFirst(node.name.name.replaceAll('_', ''))
    const taken = new Set([...this.#names.values()].flatMap((name) => [name, `${name}Input`]))
    let name = wanted
    for (let suffix = 2; taken.has(name) || taken.has(`${name}Input`); suffix++) name = wanted + String(suffix)
    this.#names.set(node, name)
    if (node.kind === 'record') this.#declareRecord(node)
    else this.#texts.push(`${comment(node.doc, '')}${aliasText(name, { union: node.symbols.map(quoted) })}`)
    return name
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
