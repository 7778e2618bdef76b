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

/** `read`: what decoding gives. `write`: what encoding takes, where fields with a default may be left out. */
type Direction = 'read' | 'write'

/**
 * Declares the TypeScript types of one event: its own, those of records and enums inside it, and the `…Input` types for
 * writing. Types inside an event carry its name in front, so that two events may use different versions of one.
 */
export class TypeDeclarations {
  readonly #event: RecordNode
  readonly #names = new Map<SchemaNode, string>()
  readonly #texts: string[] = []

  constructor(event: RecordNode) {
    this.#event = event
    this.#names.set(event, event.name.name)
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
      read === '' ? `${doc}export type ${name} = ${NO_MEMBERS}\n` : `${doc}export interface ${name} {\n${read}}\n`,
    )
    if (!hasDefaults(record)) {
      if (record === this.#event) this.#texts.push(`export type ${name}Input = ${name}\n`)
      return
    }
    const fields = `/** What is given to write \`${name}\`. Fields with a default may be left out. */\n`
    this.#texts.push(`${fields}export interface ${name}Input {\n${this.#members(record, 'write')}}\n`)
  }

  #members(record: RecordNode, direction: Direction): string {
    return record.fields.map((field) => this.#member(field, direction)).join('')
  }

  #member(field: FieldNode, direction: Direction): string {
    const optional = direction === 'write' && field.defaultValue !== undefined ? '?' : ''
    const undefinedToo = optional === '' ? '' : ' | undefined'
    return `${comment(field.doc, '  ')}  readonly ${propertyName(field.name)}${optional}: ${this.#type(field.type, direction)}${undefinedToo}\n`
  }

  #type(node: SchemaNode, direction: Direction): string {
    const logical = logicalValueOf(node)
    if (logical) return logical.typescript
    switch (node.kind) {
      case 'record':
        return this.#nameOf(node) + (direction === 'write' && hasDefaults(node) ? 'Input' : '')
      case 'enum':
        return this.#nameOf(node)
      case 'union':
        return this.#union(node, direction)
      case 'array': {
        const items = this.#type(node.items, direction)
        return `readonly ${/[ |]/.test(items) ? `(${items})` : items}[]`
      }
      case 'map':
        return `Readonly<Record<string, ${this.#type(node.values, direction)}>>`
      default:
        return PRIMITIVES[node.kind]
    }
  }

  #union(union: UnionNode, direction: Direction): string {
    const isPlain = unionShape(union) === 'plain'
    const nullLast = union.branches.toSorted(
      (left, right) => Number(left.kind === 'null') - Number(right.kind === 'null'),
    )
    const types = nullLast.map((branch) => {
      const type = this.#type(branch, direction)
      return isPlain || branch.kind === 'null' ? type : `{ readonly ${propertyName(branchName(branch))}: ${type} }`
    })
    return [...new Set(types)].join(' | ')
  }

  /** Declares a record or enum when it is first met. */
  #nameOf(node: RecordNode | EnumNode): string {
    const known = this.#names.get(node)
    if (known !== undefined) return known
    const wanted = this.#event.name.name + upperFirst(node.name.name.replaceAll('_', ''))
    const taken = new Set([...this.#names.values()].flatMap((name) => [name, `${name}Input`]))
    let name = wanted
    for (let suffix = 2; taken.has(name) || taken.has(`${name}Input`); suffix++) name = wanted + String(suffix)
    this.#names.set(node, name)
    if (node.kind === 'record') this.#declareRecord(node)
    else this.#texts.push(`${comment(node.doc, '')}export type ${name} = ${node.symbols.map(quoted).join(' | ')}\n`)
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

/** A string literal, in single quotes unless that needs more escapes. */
export function quoted(text: string): string {
  const json = JSON.stringify(text)
  if (text.includes("'")) return json
  return `'${json.slice(1, -1).replaceAll('\\"', '"')}'`
}

export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function propertyName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : quoted(name)
}
