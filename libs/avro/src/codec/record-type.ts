import { writerFieldFor } from '../compatibility/compatibility.ts'
import type { FieldNode, RecordNode } from '../schema/schema-node.ts'
import { nodeOf, type RecordConstructor, RecordType, type Tap, type WireResolver, type WireType } from './avsc-types.ts'
import { UnusableDefault, valueOfDefault } from './default-value.ts'
import { recordConstructor, recordWriter } from './record-code.ts'

/**
 * A record of avsc, which writes the functions that read, skip and resolve it. avsc gets field names made here, and knows
 * of no defaults and aliases: which field of the writer is which of the reader is decided here, as in Avro Java.
 */
export function recordType(node: RecordNode, avscSchema: object, options: object): WireType {
  const defaults = node.fields.map(defaultOf)
  const fields = node.fields.map(({ name }, index) => ({ name, makeDefault: defaults[index] }))
  class PlainRecord extends RecordType {
    override _createConstructor(): RecordConstructor {
      return recordConstructor(fields)
    }

    override _createWriter(): (tap: Tap, value: unknown) => void {
      const types = this.fields.map(({ type }) => type)
      return recordWriter(node.name.full, fields, types)
    }

    override _update(resolver: WireResolver, writer: WireType, more: object): void {
      const written = nodeOf(writer)
      if (written.kind !== 'record' || !(writer instanceof RecordType)) return
      const own = this.fields.map(({ type }, index) => {
        const from = writerFieldFor(written, node.fields[index] as FieldNode)
        if (!from && !defaults[index]) throw new UnusableDefault()
        // The default itself is the constructor's matter: avsc only wants to know that there is one.
        return {
          name: readName(index),
          aliases: from ? [writtenName(from.position)] : [],
          type,
          defaultValue: () => null,
        }
      })
      const theirs = writer.fields.map(({ type }, index) => ({ name: writtenName(index), type }))
      const reader = Object.create(this, { fields: { value: own } }) as this
      super._update.call(reader, resolver, { name: this.name, fields: theirs } as unknown as WireType, more)
    }
  }
  return new PlainRecord(avscSchema, options)
}

/** What avsc calls a field. */
export function readName(position: number): string {
  return `f${position}`
}

function writtenName(position: number): string {
  return `w${position}`
}

/** Makes the default of a field; nothing when it has none that is a value of it. */
function defaultOf({ type, defaultValue }: FieldNode): (() => unknown) | undefined {
  if (defaultValue === undefined) return undefined
  try {
    const value = valueOfDefault(type, defaultValue)
    // Lists, bytes, dates and records are made anew for every reader, who may change them.
    return typeof value === 'object' && value !== null ? () => valueOfDefault(type, defaultValue) : () => value
  } catch (error) {
    if (error instanceof UnusableDefault) return undefined
    throw error
  }
}
