import { isJsonNumber, type JsonObject } from '../json/json-value.ts'
import { isPrimitive, type SchemaNode } from './schema-node.ts'

/** Avro's own logical types. One that does not suit the type under it is ignored, as the specification demands. */
export type LogicalType =
  | { readonly name: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly name: SimpleLogicalTypeName }

export type SimpleLogicalTypeName = keyof typeof BASES

/** The kinds that each logical type may annotate. */
const BASES = {
  'big-decimal': ['bytes'],
  uuid: ['string', 'fixed'],
  duration: ['fixed'],
  date: ['int'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-micros': ['long'],
  'timestamp-nanos': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-micros': ['long'],
  'local-timestamp-nanos': ['long'],
} as const

const FIXED_SIZES: Readonly<Record<string, number>> = { uuid: 16, duration: 12 }

export function logicalTypeOf(node: SchemaNode): LogicalType | undefined {
  if (!isPrimitive(node) && node.kind !== 'fixed') return undefined
  const name = node.properties.get('logicalType')
  if (typeof name !== 'string') return undefined
  if (name === 'decimal') return decimalOf(node.properties, node.kind, node.kind === 'fixed' ? node.size : undefined)
  if (!Object.hasOwn(BASES, name)) return undefined
  const simple = name as SimpleLogicalTypeName
  if (!(BASES[simple] as readonly string[]).includes(node.kind)) return undefined
  if (node.kind === 'fixed' && node.size !== FIXED_SIZES[simple]) return undefined
  return { name: simple }
}

function decimalOf(properties: JsonObject, kind: string, fixedSize: number | undefined): LogicalType | undefined {
  if (kind !== 'bytes' && kind !== 'fixed') return undefined
  const precision = integerProperty(properties, 'precision')
  const scale = properties.has('scale') ? integerProperty(properties, 'scale') : 0
  if (precision === undefined || scale === undefined) return undefined
  if (precision <= 0 || scale < 0 || scale > precision) return undefined
  if (fixedSize !== undefined && precision > digitsThatFit(fixedSize)) return undefined
  return { name: 'decimal', precision, scale }
}

function digitsThatFit(sizeBytes: number): number {
  return Math.floor(Math.log10(2) * (8 * sizeBytes - 1))
}

function integerProperty(properties: JsonObject, name: string): number | undefined {
  const value = properties.get(name)
  return isJsonNumber(value) && value.kind === 'integer' ? Number(value.value) : undefined
}
