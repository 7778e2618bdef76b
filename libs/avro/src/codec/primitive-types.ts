import type { PrimitiveKind } from '../schema/schema-node.ts'
import {
  BooleanType,
  BytesType,
  DoubleType,
  FloatType,
  IntType,
  LongType,
  madeOf,
  NullType,
  StringType,
  type Tap,
  type WireResolver,
  type WireType,
} from './avsc-types.ts'
import { inWords, Misfit, refuse } from './misfit.ts'
import { longFromVarint, longToVarint } from './varint-long.ts'

class StrictNull extends NullType {
  override _write(_: Tap, value: unknown): void {
    if (value !== null) refuse('null', value)
  }
}

class StrictBoolean extends BooleanType {
  override _read(tap: Tap): boolean {
    return tap.buf[tap.pos++] === 1
  }

  override _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'boolean') refuse('boolean', value)
    super._write(tap, value)
  }
}

/** avsc does not look whether what it reads has 32 bits. */
class StrictInt extends IntType {
  override _read(tap: Tap): number {
    const value = tap.readInt()
    if (value !== (value | 0)) throw new RangeError('an int has at most 32 bits')
    return value
  }

  override _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'number' || (value | 0) !== value) refuse('whole number of 32 bits', value)
    tap.writeLong(value)
  }
}

/** Longs are bigint. `LongType.__with` would do, too, but copies the bytes of each. */
class BigintLong extends LongType {
  override _read(tap: Tap): bigint {
    return readLong(tap)
  }

  override _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'bigint') throw notLong(value)
    if (value >= -EXACT && value <= EXACT) tap.writeLong(Number(value))
    else if (BigInt.asIntN(64, value) === value) tap.writeFixed(longToVarint(value))
    else throw notLong(value)
  }

  override _update(resolver: WireResolver, writer: WireType): void {
    if (writer.typeName === 'long') resolver._read = readLong
    if (writer.typeName === 'int') resolver._read = (tap) => BigInt(writer._read(tap) as number)
  }
}

function readLong(tap: Tap): bigint {
  const { buf, pos } = tap
  let byte = buf[pos] ?? 0
  let zigzag = byte & 0x7f
  let length = 1
  for (let shift = 7; byte > 0x7f && shift < 28; shift += 7) {
    byte = buf[pos + length++] ?? 0
    zigzag |= (byte & 0x7f) << shift
  }
  // Most longs of real events: 32-bit arithmetic does, and makes the fastest bigint.
  if (byte <= 0x7f) {
    tap.pos = pos + length
    return BigInt((zigzag >>> 1) ^ -(zigzag & 1))
  }
  const value = tap.readLong()
  // Up to seven bytes avsc's number is exact.
  return tap.pos - pos <= 7 ? BigInt(value) : longFromVarint(buf, pos, tap.pos)
}

/** avsc writes these exactly, though they are numbers to it. */
const EXACT = 2n ** 48n

function notLong(value: unknown): Misfit {
  const hint = typeof value === 'number' && Number.isInteger(value) ? `Write ${value}n instead of ${value}.` : undefined
  return new Misfit('bigint of 64 bits', inWords(value), hint)
}

/** A whole number becomes the nearest float, as in Java: avsc gives it unrounded, and rounds longs on the way. */
class NearestFloat extends FloatType {
  override _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'number') refuse('number', value)
    super._write(tap, value)
  }

  override _update(resolver: WireResolver, writer: WireType): void {
    super._update(resolver, writer, {})
    if (isWhole(writer)) resolver._read = (tap) => Math.fround(Number(writer._read(tap)))
  }
}

class NearestDouble extends DoubleType {
  override _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'number') refuse('number', value)
    super._write(tap, value)
  }

  override _update(resolver: WireResolver, writer: WireType): void {
    super._update(resolver, writer, {})
    if (isWhole(writer)) resolver._read = (tap) => Number(writer._read(tap))
  }
}

function isWhole({ typeName }: WireType): boolean {
  return typeName === 'int' || typeName === 'long'
}

class WellFormedString extends StringType {
  override _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'string') refuse('string', value)
    tap.writeString(wellFormed(value))
  }
}

/** avsc writes half a character as bytes that are no UTF-8. */
export function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed()
}

class AnyBytes extends BytesType {
  override _write(tap: Tap, value: unknown): void {
    if (!(value instanceof Uint8Array)) refuse('Uint8Array', value)
    tap.writeBytes(asBuffer(value))
  }
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const CLASSES = {
  null: StrictNull,
  boolean: StrictBoolean,
  int: StrictInt,
  long: BigintLong,
  float: NearestFloat,
  double: NearestDouble,
  bytes: AnyBytes,
  string: WellFormedString,
} as const

/** One type of each kind, for all schemas. */
const TYPES = new Map(
  Object.entries(CLASSES).map(([name, Class]) => {
    const kind = name as PrimitiveKind
    return [kind, madeOf({ kind, properties: new Map() }, new Class())]
  }),
)

export function primitiveType(kind: PrimitiveKind): WireType {
  const type = TYPES.get(kind)
  if (!type) throw new Error(`no primitive type: ${kind}`)
  return type
}
