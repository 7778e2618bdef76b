import avsc from 'avsc'
import { isPrimitive, type SchemaNode } from '../schema/schema-node.ts'
import { madeOf, type WireType } from './avsc-types.ts'
import { BoundedArray, BoundedMap } from './container-types.ts'
import { logicalValueOf } from './logical-values.ts'
import { enumType, fixedType, LogicalOf } from './named-types.ts'
import { primitiveType } from './primitive-types.ts'
import { readName, recordType } from './record-type.ts'
import { unionType } from './union-types.ts'

/**
 * The type of avsc that reads and writes values of a schema as this library shows them. `createResolver` of it plans how
 * another schema's bytes are read as such values; the two must be compatible.
 *
 * avsc writes source code for every type it is given. It only ever sees names made here, so no name from a schema, which
 * may come from a stranger, becomes code by it; nor do its rules for names and defaults refuse what Avro allows.
 */
export function wireType(root: SchemaNode): WireType {
  const builder = new TypeBuilder()
  const options = { registry: {}, typeHook: (schema: Placeholder, more: object) => builder.type(schema.node, more) }
  return avsc.Type.forSchema({ node: root } as unknown as avsc.Schema, options as object) as WireType
}

/** Stands where avsc expects the schema of a type; it asks for the type when it gets there. */
interface Placeholder {
  readonly node: SchemaNode
}

type Options = object & { readonly registry?: Readonly<Record<string, WireType>> }

class TypeBuilder {
  readonly #names = new Map<SchemaNode, string>()
  readonly #known = new Map<SchemaNode, WireType>()

  type(node: SchemaNode, options: Options): WireType {
    const name = this.#names.get(node)
    // A record that contains itself is not finished yet; avsc has it in its registry already.
    const known = this.#known.get(node) ?? (name === undefined ? undefined : options.registry?.[name])
    if (known) return known
    const stored = this.#stored(node, options)
    const logical = logicalValueOf(node)
    const type = logical ? new LogicalOf(stored, logical) : stored
    this.#known.set(node, type)
    // Primitive types without logical ones are shared by all schemas.
    return type === stored && isPrimitive(node) ? type : madeOf(node, type)
  }

  #stored(node: SchemaNode, options: Options): WireType {
    switch (node.kind) {
      case 'record': {
        const fields = node.fields.map(({ type }, index) => ({ name: readName(index), type: placeholder(type) }))
        return recordType(node, { type: 'record', name: this.#name(node), fields }, options)
      }
      case 'union':
        return unionType(node, node.branches.map(placeholder), options)
      case 'array':
        return new BoundedArray({ type: 'array', items: placeholder(node.items) }, options)
      case 'map':
        return new BoundedMap({ type: 'map', values: placeholder(node.values) }, options)
      case 'enum':
        return enumType(node, this.#name(node), options)
      case 'fixed':
        return fixedType(node, this.#name(node), options)
      default:
        return primitiveType(node.kind)
    }
  }

  #name(node: SchemaNode): string {
    const name = `T${this.#names.size}`
    this.#names.set(node, name)
    return name
  }
}

function placeholder(node: SchemaNode): Placeholder {
  return { node }
}
