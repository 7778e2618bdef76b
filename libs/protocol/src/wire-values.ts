import { type BufferReader, BufferWriter, MalformedBytes, UnencodableValue } from '@keyfold/bytes'
import type { ScalarKind } from './fields.ts'
import type { FieldPlan, ValuePlan } from './struct-plan.ts'

/** The most elements that one array may announce, whatever the bytes behind it. */
export const arrayItemsMax = 1_000_000
/** The most tagged fields that one struct may carry; Kafka's own messages have fewer than ten. */
export const taggedFieldsMax = 64

type ScalarPlan = Extract<ValuePlan, { kind: ScalarKind }>
type Method = keyof BufferReader & `read${string}`

/** The name, after 'read' or 'write', of the method for a scalar. */
export function scalarMethod({ kind, flexible }: ScalarPlan, nullable: boolean): string {
  switch (kind) {
    case 'string': {
      return `${flexible ? 'Compact' : ''}${nullable ? 'Nullable' : ''}String`
    }
    case 'bytes':
    case 'records': {
      if (flexible) return nullable ? 'CompactNullableBytes' : 'CompactBytes'
      return nullable ? 'NullableBytes' : 'LengthPrefixedBytes'
    }
    default: {
      return scalarMethods[kind]
    }
  }
}

const scalarMethods = {
  boolean: 'Boolean',
  int8: 'Int8',
  int16: 'Int16',
  uint16: 'UInt16',
  int32: 'Int32',
  int64: 'Int64',
  float64: 'Float64',
  uuid: 'Uuid',
} as const satisfies { readonly [kind in ScalarKind]?: Method extends `read${infer Name}` ? Name : never }

/**
 * The element count of an array, -1 for null. It is checked against the bytes that remain before anything is
 * allocated: `elementBytesMin` is the fewest bytes that one element takes.
 */
export function readCount(reader: BufferReader, flexible: boolean, elementBytesMin: number): number {
  const at = reader.position
  const count = flexible ? reader.readUnsignedVarint() - 1 : reader.readInt32()
  if (count < -1) throw new MalformedBytes('NEGATIVE_LENGTH', at, `an array of ${count} elements`)
  if (count > arrayItemsMax || count * Math.max(elementBytesMin, 1) > reader.remaining) {
    throw new MalformedBytes('COUNT_TOO_LARGE', at, `an array of ${count} elements in ${reader.remaining} bytes`)
  }
  return count
}

export function writeCount(writer: BufferWriter, flexible: boolean, count: number): void {
  if (flexible) writer.writeUnsignedVarint(count + 1)
  else writer.writeInt32(count)
}

/** How many tagged fields follow. */
export function readTagCount(reader: BufferReader): number {
  const at = reader.position
  const count = reader.readUnsignedVarint()
  if (count > taggedFieldsMax || count * 2 > reader.remaining) {
    throw new MalformedBytes('TOO_MANY_TAGGED_FIELDS', at, `${count} tagged fields; ${taggedFieldsMax} are allowed`)
  }
  return count
}

/** Reads a tagged field's size and returns where the field ends. */
export function readTaggedEnd(reader: BufferReader): number {
  const size = reader.readUnsignedVarint()
  const start = reader.skip(size)
  reader.position = start
  return start + size
}

/** A known tagged field has to take exactly the bytes that it announced. */
export function checkTaggedEnd(reader: BufferReader, end: number): void {
  if (reader.position !== end) {
    throw new MalformedBytes('TAGGED_FIELD_SIZE', reader.position, `a tagged field that should end at byte ${end}`)
  }
}

/** Skips tagged fields of which none is known. */
export function skipTaggedFields(reader: BufferReader): void {
  for (let left = readTagCount(reader); left > 0; left--) {
    reader.readUnsignedVarint()
    reader.position = readTaggedEnd(reader)
  }
}

/** Writes one tagged field: number, size, value. */
export function writeTagged(writer: BufferWriter, tag: number, writeValue: (nested: BufferWriter) => void): void {
  const nested = new BufferWriter(128)
  writeValue(nested)
  writer.writeUnsignedVarint(tag)
  writer.writeUnsignedVarint(nested.length)
  writer.writeBytes(nested.toBuffer())
}

/** Record batches, as one buffer or several, by reference. */
export function writeRecords(writer: BufferWriter, flexible: boolean, value: Buffer | readonly Buffer[] | null): void {
  if (value === null) {
    if (flexible) writer.writeUnsignedVarint(0)
    else writer.writeInt32(-1)
    return
  }
  const parts: readonly Buffer[] = Buffer.isBuffer(value) ? [value] : value
  let length = 0
  for (const part of parts) length += part.length
  if (flexible) writer.writeUnsignedVarint(length + 1)
  else writer.writeInt32(length)
  for (const part of parts) writer.writeReference(part)
}

/** Whether a value equals its field's fallback, so that leaving it out loses nothing. */
export function isFallback(plan: FieldPlan, value: unknown): boolean {
  if (value === undefined) return true
  if (value === null || plan.fallback === null) return value === plan.fallback
  const { value: type } = plan
  switch (type.kind) {
    case 'array': {
      return Array.isArray(value) && value.length === 0
    }
    case 'struct': {
      const fields = value as Record<string, unknown>
      return type.struct.fields.every((field) => isFallback(field, fields[field.name]))
    }
    case 'bytes':
    case 'records': {
      return (value as Buffer | readonly Buffer[]).length === 0
    }
    default: {
      return value === plan.fallback
    }
  }
}

/** Refuses a value that the version has no room for, unless the table lets it be dropped. */
export function checkAbsent(plan: FieldPlan, value: unknown): void {
  if (!plan.ignorable && !isFallback(plan, value)) {
    throw new UnencodableValue(`${plan.path} is set, but this version does not have it`)
  }
}

/** Refuses null where the version requires a value. */
export function refuseNull(path: string): never {
  throw new UnencodableValue(`${path} is null, but this version requires a value`)
}

/** Reports null on the wire where the version requires a value. */
export function unexpectedNull(reader: BufferReader, path: string): never {
  throw new MalformedBytes('UNEXPECTED_NULL', reader.position, `null for ${path}`)
}

/** A fresh fallback value: containers are never shared between messages. */
export function fallbackValue(plan: FieldPlan): unknown {
  if (plan.fallback !== undefined) return plan.fallback
  return plan.value.kind === 'struct'
    ? Object.fromEntries(plan.value.struct.fields.map((field) => [field.name, fallbackValue(field)]))
    : []
}
