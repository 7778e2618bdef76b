import avsc from 'avsc'

/**
 * avsc believes the item count that it reads, so that a few corrupt bytes keep it busy for hours. These read the same
 * bytes and stop where no honest writer can be: behind the end, or at more items than there could be.
 * For `typeHook` of `Type.forSchema`.
 */
export function boundedContainer(schema: unknown, options: object): avsc.Type | undefined {
  if (!isContainer(schema)) return undefined
  const avscSchema = schema as avsc.Schema
  return schema.type === 'array' ? new BoundedArrayType(avscSchema, options) : new BoundedMapType(avscSchema, options)
}

class BoundedArrayType extends avsc.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const items: unknown[] = []
    readBlocks(tap, () => items.push(readItem(this.itemsType, tap)))
    return items
  }
}

class BoundedMapType extends avsc.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    // Without prototype: a key may be called `__proto__`.
    const entries = Object.create(null) as Record<string, unknown>
    readBlocks(tap, () => {
      const key = tap.readString()
      entries[key] = readItem(this.valuesType, tap)
    })
    return entries
  }
}

/** What avsc reads from: the part of it that is used here. */
interface Tap {
  readonly buf: Buffer
  readonly pos: number
  readLong(): number
  skipLong(): void
  readString(): string
}

/** Items of no bytes, such as nulls, that one array may have: nothing else bounds them. */
const EMPTY_ITEMS_MAX = 65_536

function readBlocks(tap: Tap, readOne: () => void): void {
  const itemsMax = tap.buf.length + EMPTY_ITEMS_MAX
  let read = 0
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    if (count < 0) tap.skipLong() // The size of the block in bytes, for readers that skip it.
    for (let left = Math.abs(count); left > 0; left--) {
      readOne()
      read++
      if (tap.pos > tap.buf.length || read > itemsMax) throw new RangeError('more items than there are bytes for')
    }
  }
}

function readItem(type: unknown, tap: Tap): unknown {
  return (type as { _read(tap: Tap): unknown })._read(tap)
}

function isContainer(schema: unknown): schema is { readonly type: 'array' | 'map' } {
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) return false
  return schema.type === 'array' || schema.type === 'map'
}
