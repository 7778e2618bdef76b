import { type ByteSource, readBlocks, readInt, readLong, readLongAsNumber, skipBytes } from '../binary/byte-source.ts'
import type { SchemaNode } from '../schema/schema-node.ts'

/** Moves behind one value. What it gives is of no use. */
type Skip = (source: ByteSource) => unknown

/** How to get past values that the reader does not ask for. */
export class Skips {
  readonly #known = new Map<SchemaNode, Skip>()

  skipper(node: SchemaNode): Skip {
    const done = this.#known.get(node)
    if (done) return done
    // Recursive types meet themselves before they are finished.
    this.#known.set(node, (source) => made(source))
    const made = this.#plan(node)
    this.#known.set(node, made)
    return made
  }

  #plan(node: SchemaNode): Skip {
    if (node.kind === 'array') return skippingBlocks(this.skipper(node.items))
    if (node.kind === 'map') {
      const skip = this.skipper(node.values)
      return skippingBlocks((source) => {
        skipText(source)
        return skip(source)
      })
    }
    if (node.kind === 'record') {
      const skips = node.fields.map((field) => this.skipper(field.type))
      return (source) => {
        for (const skip of skips) skip(source)
      }
    }
    if (node.kind === 'union') {
      const skips = node.branches.map((branch) => this.skipper(branch))
      return (source) => {
        const skip = skips[readInt(source)]
        if (skip === undefined) throw new RangeError('a union has no branch of that number')
        return skip(source)
      }
    }
    if (node.kind === 'fixed') return (source) => skipBytes(source, node.size)
    return LEAVES[node.kind]
  }
}

function skippingBlocks(skip: Skip): Skip {
  return (source) => readBlocks(source, skip)
}

function skipText(source: ByteSource): void {
  skipBytes(source, readLongAsNumber(source))
}

const LEAVES = {
  null: () => undefined,
  boolean: (source: ByteSource) => skipBytes(source, 1),
  int: readInt,
  enum: readInt,
  long: readLong,
  float: (source: ByteSource) => skipBytes(source, 4),
  double: (source: ByteSource) => skipBytes(source, 8),
  bytes: skipText,
  string: skipText,
} as const
