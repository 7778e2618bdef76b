import { matchFields } from '../lint/field-matches.ts'
import { branchPath, rootPath } from '../lint/schema-rules.ts'
import { type JsonObject, type JsonValue, printJson } from '../json/json-value.ts'
import { canonicalText } from '../schema/canonical.ts'
import { stepInto } from '../schema/readable-path.ts'
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
import { LocatedSchema, type SchemaSource, type SourcePosition } from '../source/schema-source.ts'
import { movedItems } from './moved-items.ts'

export type ChangedThing =
  | 'field'
  | 'type'
  | 'name'
  | 'doc'
  | 'default'
  | 'order'
  | 'aliases'
  | 'symbol'
  | 'size'
  | 'branch'
  | 'property'

/** One difference between two versions, documentation included. */
export interface SchemaChange {
  readonly kind: 'added' | 'removed' | 'changed' | 'moved'
  readonly what: ChangedThing
  /** By names: `Order.lines[].sku`. */
  readonly path: string
  /** JSON text. */
  readonly before: string | undefined
  readonly after: string | undefined
  readonly beforeAt: SourcePosition | undefined
  readonly afterAt: SourcePosition | undefined
}

/**
 * What changed from one schema to another, in the order of the newer one. Layout, the order of members and the way a
 * name is written do not count. Throws `AVRO_SCHEMA_INVALID` for texts that are no schemas.
 */
export function diffSchemas(before: SchemaSource, after: SchemaSource): readonly SchemaChange[] {
  const [old, now] = [new LocatedSchema(before, false), new LocatedSchema(after, false)]
  const diff = new Diff(old, now)
  diff.types(old.parsed.root, now.parsed.root, rootPath(now.parsed.root))
  return diff.changes
}

type Part = SchemaNode | FieldNode

/** The two sides of a change: texts to show, and the parts whose places are shown. */
interface Sides {
  readonly old?: Part
  readonly now?: Part
  readonly before?: string | undefined
  readonly after?: string | undefined
  /** The member of both parts that changed. */
  readonly member?: string
}

class Diff {
  readonly changes: SchemaChange[] = []
  readonly #before: LocatedSchema
  readonly #after: LocatedSchema
  readonly #seen = new Map<SchemaNode, Set<SchemaNode>>()

  constructor(before: LocatedSchema, after: LocatedSchema) {
    this.#before = before
    this.#after = after
  }

  types(old: SchemaNode, now: SchemaNode, path: string): void {
    const compared = this.#seen.get(old) ?? new Set()
    if (compared.has(now)) return
    this.#seen.set(old, compared.add(now))
    if (old.kind === 'union' && now.kind === 'union') return this.#unions(old, now, path)
    if (old.kind !== now.kind || old.kind === 'union' || now.kind === 'union') {
      return this.#add('changed', 'type', path, { old, now, before: shown(old), after: shown(now) })
    }
    if (isNamed(old) && isNamed(now)) this.#named(old, now, path)
    if (old.kind === 'array' && now.kind === 'array') this.types(old.items, now.items, stepInto(path, '[]'))
    if (old.kind === 'map' && now.kind === 'map') this.types(old.values, now.values, stepInto(path, '{}'))
    if (old.kind === 'record' && now.kind === 'record') this.#fields(old, now, path)
    if (old.kind === 'enum' && now.kind === 'enum') this.#symbols(old, now, path)
    this.#properties({ old, now }, [old.properties, now.properties], path)
  }

  #unions(old: UnionNode, now: UnionNode, path: string): void {
    const before = new Map(old.branches.map((branch) => [branchName(branch), branch]))
    const after = new Map(now.branches.map((branch) => [branchName(branch), branch]))
    for (const [name, branch] of before) {
      if (!after.has(name)) this.#add('removed', 'branch', path, { old: branch, before: shown(branch) })
    }
    const moved = movedItems([...before.keys()], [...after.keys()])
    for (const [name, branch] of after) {
      const known = before.get(name)
      if (!known) this.#add('added', 'branch', path, { now: branch, after: shown(branch) })
      else if (moved.has(name)) this.#add('moved', 'branch', path, { old: known, now: branch, after: shown(branch) })
      if (known) this.types(known, branch, branchPath(path, now, branch))
    }
  }

  #named(old: NamedNode, now: NamedNode, path: string): void {
    this.#member('name', path, { old, now, before: old.name.full, after: now.name.full })
    this.#member('doc', path, { old, now, before: old.doc, after: now.doc })
    const [before, after] = [old, now].map(({ aliases }) => aliases.map(({ full }) => full))
    this.#member('aliases', path, { old, now, before: before?.join(' '), after: after?.join(' ') })
    if (old.kind === 'fixed' && now.kind === 'fixed' && old.size !== now.size) {
      const [from, to] = [String(old.size), String(now.size)]
      this.#add('changed', 'size', path, { old, now, before: from, after: to, member: 'size' })
    }
  }

  #fields(old: RecordNode, now: RecordNode, path: string): void {
    const { kept, removed } = matchFields(old, now)
    for (const field of removed) {
      this.#add('removed', 'field', stepInto(path, field.name), { old: field, before: shown(field.type) })
    }
    const order = [...kept.values()].sort((left, right) => left.position - right.position)
    const moved = movedItems(order, [...kept.values()])
    for (const field of now.fields) {
      const here = stepInto(path, field.name)
      const before = kept.get(field)
      if (!before) {
        this.#add('added', 'field', here, { now: field, after: shown(field.type) })
        continue
      }
      const sides = { old: before, now: field }
      if (moved.has(before)) this.#add('moved', 'field', here, sides)
      this.#member('name', here, { ...sides, before: before.name, after: field.name })
      this.types(before.type, field.type, here)
      this.#member('doc', here, { ...sides, before: before.doc, after: field.doc })
      this.#json('default', here, { ...sides, json: [before.defaultValue, field.defaultValue] })
      this.#member('order', here, { ...sides, before: before.order, after: field.order })
      this.#member('aliases', here, { ...sides, before: before.aliases.join(' '), after: field.aliases.join(' ') })
      this.#properties(sides, [before.properties, field.properties], here)
    }
  }

  #symbols(old: EnumNode, now: EnumNode, path: string): void {
    const sides = { old, now, member: 'symbols' }
    for (const symbol of old.symbols) {
      if (!now.symbols.includes(symbol)) this.#add('removed', 'symbol', path, { ...sides, before: symbol })
    }
    const moved = movedItems(old.symbols, now.symbols)
    for (const symbol of now.symbols) {
      if (!old.symbols.includes(symbol)) this.#add('added', 'symbol', path, { ...sides, after: symbol })
      else if (moved.has(symbol)) this.#add('moved', 'symbol', path, { ...sides, before: symbol, after: symbol })
    }
    this.#member('default', path, { old, now, before: old.defaultSymbol, after: now.defaultSymbol })
  }

  #properties(sides: Sides, [before, after]: readonly [JsonObject, JsonObject], path: string): void {
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      this.#json('property', path, { ...sides, member: name, json: [before.get(name), after.get(name)] })
    }
  }

  /** Values of any kind, shown as JSON; those of a property after its name. */
  #json(
    what: 'default' | 'property',
    path: string,
    { json, ...sides }: Sides & { readonly json: readonly [JsonValue | undefined, JsonValue | undefined] },
  ): void {
    const name = sides.member === undefined ? '' : `${JSON.stringify(sides.member)}: `
    const [before, after] = json.map((value) => (value === undefined ? undefined : name + printJson(value)))
    if (before === after) return
    const kind = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'
    this.#add(kind, what, path, { member: what, ...sides, before, after })
  }

  /** Text that may be missing on either side. */
  #member(what: ChangedThing, path: string, sides: Sides): void {
    const [before, after] = [sides.before || undefined, sides.after || undefined]
    if (before === after) return
    const kind = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'
    const quoted = [before, after].map((text) => (text === undefined ? undefined : JSON.stringify(text)))
    this.#add(kind, what, path, { ...sides, before: quoted[0], after: quoted[1], member: what })
  }

  #add(kind: SchemaChange['kind'], what: ChangedThing, path: string, sides: Sides): void {
    const { old, now, before, after, member = '' } = sides
    const beforeAt = kind === 'added' ? undefined : old && this.#before.at(old, member)
    const afterAt = kind === 'removed' ? undefined : now && this.#after.at(now, member)
    this.changes.push({ kind, what, path, before, after, beforeAt, afterAt })
  }
}

/** A type in a few words: by name where it has one. */
function shown(node: SchemaNode): string {
  return isNamed(node) ? JSON.stringify(node.name.full) : canonicalText(node)
}
