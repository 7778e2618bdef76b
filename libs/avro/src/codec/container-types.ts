import { ArrayType, MapType, type Tap } from './avsc-types.ts'
import { refuse, rethrowFrom } from './misfit.ts'
import { wellFormed } from './primitive-types.ts'

/**
 * Arrays and maps of avsc with two differences. avsc believes the item count that it reads, so that a few corrupt bytes
 * keep it busy for hours: these stop where no honest writer can be. And they say where a value does not fit.
 *
 * `_read` also runs as a method of avsc's resolvers, which have `itemsType` and `valuesType` of their own.
 */
export class BoundedArray extends ArrayType {
  override _read(tap: Tap): unknown[] {
    const items: unknown[] = []
    forItems(tap, () => items.push(this.itemsType._read(tap)))
    return items
  }

  override _skip(tap: Tap): void {
    forItems(tap, () => this.itemsType._skip(tap))
  }

  override _write(tap: Tap, value: unknown): void {
    if (!Array.isArray(value)) refuse('array', value)
    const items = value as readonly unknown[]
    if (items.length > 0) tap.writeLong(items.length)
    let index = 0
    try {
      for (; index < items.length; index++) this.itemsType._write(tap, items[index])
    } catch (error) {
      rethrowFrom(error, `[${index}]`)
    }
    tap.writeLong(0)
  }
}

export class BoundedMap extends MapType {
  override _read(tap: Tap): Record<string, unknown> {
    const entries: Record<string, unknown> = {}
    forItems(tap, () => {
      const key = tap.readString()
      const value = this.valuesType._read(tap)
      // Assigning to such a member would set the prototype.
      if (key === '__proto__') Object.defineProperty(entries, key, { value, ...ORDINARY })
      else entries[key] = value
    })
    return entries
  }

  override _skip(tap: Tap): void {
    forItems(tap, () => {
      tap.readString()
      this.valuesType._skip(tap)
    })
  }

  override _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse('object as a map', value)
    const entries = Object.entries(value)
    if (entries.length > 0) tap.writeLong(entries.length)
    for (const [key, member] of entries) {
      tap.writeString(wellFormed(key))
      try {
        this.valuesType._write(tap, member)
      } catch (error) {
        rethrowFrom(error, `[${JSON.stringify(key)}]`)
      }
    }
    tap.writeLong(0)
  }
}

/** For `Object.defineProperty`: a member like any other. */
export const ORDINARY = { configurable: true, enumerable: true, writable: true }

/** Items of no bytes, such as nulls, that all arrays of a value may have together: nothing else bounds them. */
const EMPTY_ITEMS_MAX = 65_536

/** Stops at more items than honest bytes can hold, or behind their end. */
function forItems(tap: Tap, readOne: () => void): void {
  const itemsMax = tap.buf.length + EMPTY_ITEMS_MAX
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    if (count < 0) tap.skipLong() // The size of the block in bytes, for readers that skip it.
    for (let left = Math.abs(count); left > 0; left--) {
      readOne()
      tap.items = (tap.items ?? 0) + 1
      if (tap.pos > tap.buf.length || tap.items > itemsMax) throw new RangeError('more items than there are bytes for')
    }
  }
}
