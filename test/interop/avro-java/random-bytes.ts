import type { SchemaNode } from '@keyfold/avro'
import type { Random } from './random.ts'

/** Bytes of a random value in hexadecimal, written without the library's own encoder. Nothing when a recursion does not end soon. */
export function randomBytes(node: SchemaNode, random: Random): string | undefined {
  const parts: Buffer[] = []
  return write(node, random, { parts, depth: 0 }) ? Buffer.concat(parts).toString('hex') : undefined
}

interface Output {
  readonly parts: Buffer[]
  readonly depth: number
}

function write(node: SchemaNode, random: Random, { parts, depth }: Output): boolean {
  if (depth > 12) return false
  const inside = { parts, depth: depth + 1 }
  switch (node.kind) {
    case 'null':
      return true
    case 'record':
      return node.fields.every((field) => write(field.type, random, inside))
    case 'union': {
      const index =
        depth > 6
          ? Math.max(
              0,
              node.branches.findIndex(({ kind }) => kind === 'null'),
            )
          : undefined
      const chosen = index ?? random.below(node.branches.length)
      const branch = node.branches[chosen]
      parts.push(varint(BigInt(chosen)))
      return branch !== undefined && write(branch, random, inside)
    }
    case 'array':
    case 'map': {
      const count = depth > 6 ? 0 : random.below(3)
      if (count > 0) parts.push(varint(BigInt(count)))
      for (let index = 0; index < count; index++) {
        if (node.kind === 'map') parts.push(text(`k${index}`))
        if (!write(node.kind === 'map' ? node.values : node.items, random, inside)) return false
      }
      parts.push(varint(0n))
      return true
    }
    default:
      parts.push(leaf(node, random))
      return true
  }
}

function leaf(node: Exclude<SchemaNode, { kind: 'record' | 'union' | 'array' | 'map' }>, random: Random): Buffer {
  switch (node.kind) {
    case 'boolean':
      return Buffer.of(random.below(2))
    case 'int':
      return varint(BigInt(random.pick([0, 1, -1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31), random.below(2 ** 30)])))
    case 'long':
      return varint(random.pick([...LONGS, BigInt(random.below(2 ** 32)) * BigInt(random.below(2 ** 32))]))
    case 'float': {
      const bytes = Buffer.alloc(4)
      bytes.writeFloatLE(random.pick([0, -0, 1.5, -3e38, 1e-45, Infinity, random.below(2 ** 32) / 7]))
      return bytes
    }
    case 'double': {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleLE(random.pick([0, -0, 0.1, 1.7e308, 5e-324, -Infinity, random.below(2 ** 32) / 7]))
      return bytes
    }
    case 'enum':
      return varint(BigInt(random.below(node.symbols.length)))
    case 'fixed':
      return Buffer.from(Array.from({ length: node.size }, () => random.below(256)))
    case 'null':
      return Buffer.alloc(0)
    default:
      // Text for bytes, too: either may be read as the other.
      return text(random.pick(['', 'a', 'Größe', '日本', '😀', 'x'.repeat(random.below(100)), 'long '.repeat(30)]))
  }
}

const LONGS = [
  0n,
  1n,
  -1n,
  2n ** 27n,
  2n ** 28n,
  -(2n ** 28n),
  2n ** 31n,
  2n ** 48n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
]

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([varint(BigInt(bytes.length)), bytes])
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}
