import { zeroUuid } from '@keyfold/bytes'
import type { Field, FieldType, ScalarKind, Table } from './fields.ts'
import { inVersions } from './versions.ts'

/** A table as one version sees it: what both codecs work from. */
export interface StructPlan {
  /** Where the struct sits, for error texts: 'Fetch request', 'Fetch request.topics'. */
  readonly path: string
  readonly flexible: boolean
  /** All fields in table order, whether or not the version has them. */
  readonly fields: readonly FieldPlan[]
  /** Fields on the wire, in wire order. */
  readonly plain: readonly FieldPlan[]
  /** Tagged fields, by tag. */
  readonly tagged: readonly TaggedFieldPlan[]
  /** Fields that the version does not have. */
  readonly absent: readonly FieldPlan[]
  /** The fewest bytes that one struct takes. */
  readonly bytesMin: number
}

export interface FieldPlan {
  readonly name: string
  readonly path: string
  readonly value: ValuePlan
  readonly nullable: boolean
  /** The fallback of a scalar; null for "null"; undefined for an empty array or a struct of fallbacks. */
  readonly fallback: string | number | boolean | Buffer | null | undefined
  readonly ignorable: boolean
}

export interface TaggedFieldPlan extends FieldPlan {
  readonly tag: number
}

export type ValuePlan =
  | { readonly kind: ScalarKind; readonly flexible: boolean; readonly bytesMin: number }
  | { readonly kind: 'array'; readonly flexible: boolean; readonly bytesMin: number; readonly of: ValuePlan }
  | { readonly kind: 'struct'; readonly flexible: boolean; readonly bytesMin: number; readonly struct: StructPlan }

/** The version a table is resolved for. */
export interface WireVersion {
  readonly version: number
  readonly flexible: boolean
}

/** Resolves a table for one version. */
export function planStruct(fields: Table, wire: WireVersion, path: string): StructPlan {
  const { version, flexible } = wire
  const all: FieldPlan[] = []
  const plain: FieldPlan[] = []
  const tagged: TaggedFieldPlan[] = []
  const absent: FieldPlan[] = []
  for (const [name, field] of Object.entries(fields)) {
    const plan = planField(name, field, wire, path)
    const { tag, versions } = field.options
    all.push(plan)
    if (!inVersions(versions, version) || (tag !== undefined && !flexible)) absent.push(plan)
    else if (tag === undefined) plain.push(plan)
    else tagged.push({ ...plan, tag })
  }
  tagged.sort((left, right) => left.tag - right.tag)
  const bytesMin = plain.reduce((sum, { value, nullable }) => sum + (nullable ? nullBytes(value) : value.bytesMin), 0)
  return { path, flexible, fields: all, plain, tagged, absent, bytesMin: bytesMin + (flexible ? 1 : 0) }
}

function planField(name: string, field: Field, wire: WireVersion, parent: string): FieldPlan {
  const path = `${parent}.${name}`
  const value = planValue(field.type, wire, path)
  const { fallback, ignorable, nullable } = field.options
  return {
    name,
    path,
    value,
    nullable: nullable !== undefined && inVersions(nullable, wire.version),
    fallback: fallback === undefined ? zeroOf(value.kind) : (fallback as FieldPlan['fallback']),
    ignorable: ignorable === true,
  }
}

function planValue(type: FieldType, wire: WireVersion, path: string): ValuePlan {
  const { flexible } = wire
  switch (type.kind) {
    case 'array': {
      return { kind: 'array', flexible, bytesMin: flexible ? 1 : 4, of: planValue(type.of, wire, path) }
    }
    case 'struct': {
      const struct = planStruct(type.fields, wire, path)
      return { kind: 'struct', flexible, bytesMin: struct.bytesMin, struct }
    }
    default: {
      return { kind: type.kind, flexible, bytesMin: scalarBytesMin(type.kind, flexible) }
    }
  }
}

/** A null struct is one byte; a null string or array is as short as an empty one. */
function nullBytes(value: ValuePlan): number {
  return value.kind === 'struct' ? 1 : value.bytesMin
}

const fixedBytes: Partial<Record<ScalarKind, number>> = {
  boolean: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
}

function scalarBytesMin(kind: ScalarKind, flexible: boolean): number {
  return fixedBytes[kind] ?? (flexible ? 1 : kind === 'string' ? 2 : 4)
}

const emptyBytes = Buffer.alloc(0)

function zeroOf(kind: ValuePlan['kind']): FieldPlan['fallback'] {
  switch (kind) {
    case 'array':
    case 'struct': {
      return undefined
    }
    case 'boolean': {
      return false
    }
    case 'string': {
      return ''
    }
    case 'uuid': {
      return zeroUuid
    }
    case 'bytes':
    case 'records': {
      return emptyBytes
    }
    default: {
      return 0
    }
  }
}
