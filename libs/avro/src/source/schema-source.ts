import { isJsonArray, isJsonObject, type JsonValue } from '../json/json-value.ts'
import { type JsonSpan, parseJson } from '../json/parse-json.ts'
import { SCHEMA_LIMITS } from '../schema/limits.ts'
import { parseSchema } from '../schema/parse-schema.ts'
import { type FieldNode, isNamed, type ParsedSchema, type SchemaNode } from '../schema/schema-node.ts'

/** A schema as a person wrote it: what is found in it can be shown where it stands. */
export interface SchemaSource {
  /** The file. */
  readonly text: string
  /** As for `parseSchema`. */
  readonly references?: readonly string[]
}

/** A place in the text. */
export interface SourcePosition {
  /** JSON pointer (RFC 6901). */
  readonly pointer: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
}

/** A parsed schema that knows where its parts stand in the text. */
export class LocatedSchema {
  readonly parsed: ParsedSchema
  readonly json: JsonValue
  readonly #text: string
  readonly #spans = new Map<string, JsonSpan>()
  readonly #pointers = new Map<SchemaNode | FieldNode, string>()

  /** Throws `AVRO_SCHEMA_INVALID` and `AVRO_SCHEMA_TOO_LARGE`. */
  constructor({ text, references = [] }: SchemaSource, strict: boolean) {
    this.parsed = parseSchema(text, { strict, references })
    this.json = parseJson(text, SCHEMA_LIMITS.depthMax, this.#spans)
    this.#text = text
    this.#locate(this.parsed.root, this.json, '')
  }

  /** Where a type or a field stands, or one of its members. Types of other texts have no place. */
  at(part: SchemaNode | FieldNode, member = ''): SourcePosition | undefined {
    const pointer = this.#pointers.get(part)
    if (pointer === undefined) return undefined
    const wanted = member === '' ? pointer : `${pointer}/${member}`
    return this.position(this.#spans.has(wanted) ? wanted : pointer)
  }

  position(pointer: string): SourcePosition {
    const offset = this.#spans.get(pointer)?.start ?? 0
    const before = this.#text.slice(0, offset)
    const line = before.split('\n').length
    return { pointer, line, column: offset - before.lastIndexOf('\n') }
  }

  /** Goes through types and JSON side by side. A name stands for a type that is written out elsewhere. */
  #locate(node: SchemaNode, json: JsonValue, pointer: string): void {
    if (this.#pointers.has(node)) return
    const isWrittenOut = !isNamed(node) || isJsonObject(json)
    if (isWrittenOut) this.#pointers.set(node, pointer)
    if (node.kind === 'union' && isJsonArray(json)) {
      for (const [index, branch] of node.branches.entries())
        this.#locate(branch, json[index] ?? null, `${pointer}/${index}`)
    }
    if (!isJsonObject(json)) return
    if (node.kind === 'array') this.#locate(node.items, json.get('items') ?? null, `${pointer}/items`)
    if (node.kind === 'map') this.#locate(node.values, json.get('values') ?? null, `${pointer}/values`)
    if (node.kind === 'record') this.#locateFields(node.fields, json.get('fields'), pointer)
  }

  #locateFields(fields: readonly FieldNode[], json: JsonValue | undefined, pointer: string): void {
    if (!isJsonArray(json)) return
    for (const [index, field] of fields.entries()) {
      const item = json[index]
      const here = `${pointer}/fields/${index}`
      this.#pointers.set(field, here)
      if (isJsonObject(item)) this.#locate(field.type, item.get('type') ?? null, `${here}/type`)
    }
  }
}
