import type { BufferReader, BufferWriter } from '@keyfold/bytes'
import type { FieldPlan, StructPlan, ValuePlan } from './struct-plan.ts'
import {
  checkAbsent,
  checkTaggedEnd,
  fallbackValue,
  isFallback,
  readCount,
  readTagCount,
  readTaggedEnd,
  refuseNull,
  scalarMethod,
  unexpectedNull,
  writeCount,
  writeRecords,
  writeTagged,
} from './wire-values.ts'

/** Reads and writes one struct in one version. */
export interface StructCodec {
  read(reader: BufferReader): unknown
  write(writer: BufferWriter, value: unknown): void
}

type Struct = Record<string, unknown>

/** Walks the plan for every message: slower than the compiled codec, and needs no code generation. */
export function interpretCodec(plan: StructPlan): StructCodec {
  return {
    read: (reader) => readStruct(reader, plan),
    write: (writer, value) => writeStruct(writer, plan, value as Struct),
  }
}

function readStruct(reader: BufferReader, plan: StructPlan): Struct {
  const struct: Struct = {}
  for (const field of plan.plain) struct[field.name] = readField(reader, field)
  for (const field of plan.absent) struct[field.name] = fallbackValue(field)
  if (!plan.flexible) return struct
  for (const field of plan.tagged) struct[field.name] = fallbackValue(field)
  for (let left = readTagCount(reader); left > 0; left--) {
    const tag = reader.readUnsignedVarint()
    const end = readTaggedEnd(reader)
    const field = plan.tagged.find((known) => known.tag === tag)
    if (field === undefined) {
      reader.position = end
      continue
    }
    struct[field.name] = readField(reader, field)
    checkTaggedEnd(reader, end)
  }
  return struct
}

function readField(reader: BufferReader, { value, nullable, path }: FieldPlan): unknown {
  switch (value.kind) {
    case 'struct': {
      if (nullable && reader.readInt8() < 0) return null
      return readStruct(reader, value.struct)
    }
    case 'array': {
      const count = readCount(reader, value.flexible, value.of.bytesMin)
      if (count === -1) return nullable ? null : unexpectedNull(reader, path)
      return Array.from({ length: count }, () => readElement(reader, value.of, path))
    }
    default: {
      return readScalar(reader, value, nullable)
    }
  }
}

function readElement(reader: BufferReader, value: ValuePlan, path: string): unknown {
  if (value.kind === 'struct') return readStruct(reader, value.struct)
  return readField(reader, elementField(value, path))
}

function readScalar(reader: BufferReader, value: ValuePlan, nullable: boolean): unknown {
  if (value.kind === 'array' || value.kind === 'struct') throw new TypeError('not a scalar')
  return reader[`read${scalarMethod(value, nullable)}` as 'readString']()
}

function writeStruct(writer: BufferWriter, plan: StructPlan, struct: Struct): void {
  for (const field of plan.absent) checkAbsent(field, struct[field.name])
  for (const field of plan.plain) writeField(writer, field, struct[field.name])
  if (!plan.flexible) return
  const set = plan.tagged.filter((field) => !isFallback(field, struct[field.name]))
  writer.writeUnsignedVarint(set.length)
  for (const field of set) {
    writeTagged(writer, field.tag, (nested) => writeField(nested, field, struct[field.name]))
  }
}

function writeField(writer: BufferWriter, field: FieldPlan, given: unknown): void {
  const { value, nullable, path } = field
  const content = given === undefined ? fallbackValue(field) : given
  if (content === null && !nullable) refuseNull(path)
  switch (value.kind) {
    case 'struct': {
      if (nullable) writer.writeInt8(content === null ? -1 : 1)
      if (content !== null) writeStruct(writer, value.struct, content as Struct)
      return
    }
    case 'array': {
      const items = content as readonly unknown[] | null
      writeCount(writer, value.flexible, items === null ? -1 : items.length)
      for (const item of items ?? []) writeElement(writer, value.of, item, path)
      return
    }
    case 'records': {
      writeRecords(writer, value.flexible, content as Buffer | readonly Buffer[] | null)
      return
    }
    default: {
      writer[`write${scalarMethod(value, nullable)}` as 'writeNullableString'](content as string | null)
    }
  }
}

function writeElement(writer: BufferWriter, value: ValuePlan, item: unknown, path: string): void {
  if (value.kind === 'struct') writeStruct(writer, value.struct, item as Struct)
  else writeField(writer, elementField(value, path), item)
}

/** Elements follow the rules of a field that is always there and never null. */
function elementField(value: ValuePlan, path: string): FieldPlan {
  return { name: 'element', path, value, nullable: false, fallback: null, ignorable: false }
}
