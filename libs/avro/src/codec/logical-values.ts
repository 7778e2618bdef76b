import { type LogicalType, logicalTypeOf, type SimpleLogicalTypeName } from '../schema/logical-type.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { bigDecimalFromBytes, bigDecimalToBytes } from './big-decimal.ts'
import { decimalFromBytes, decimalToBytes } from './decimal.ts'
import { localTimeFromTicks, localTimeToTicks } from './local-time.ts'
import { inWords, Misfit } from './misfit.ts'

/** How a logical type looks in JavaScript. The stored value is that of the type below it; longs are bigint. */
export interface LogicalValue {
  /** For error texts: what has to be given. */
  readonly expected: string
  /** In generated TypeScript. */
  readonly typescript: string
  toValue(stored: unknown): unknown
  /** Throws `Misfit` for what is not such a value. */
  toStored(value: unknown): unknown
}

/** The conversion for a type, or nothing when its value is the stored one. */
export function logicalValueOf(node: SchemaNode): LogicalValue | undefined {
  const type = logicalTypeOf(node)
  if (!type) return undefined
  if (type.name === 'decimal') return decimal(type, node.kind === 'fixed' ? node.size : undefined)
  if (type.name === 'uuid' && node.kind === 'fixed') return UUID_BYTES
  return SIMPLE[type.name]
}

const DAY_MS = 86_400_000

const TIMESTAMP: LogicalValue = {
  expected: 'Date',
  typescript: 'Date',
  toValue: (stored) => new Date(Number(stored)),
  toStored(value) {
    if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw new Misfit(this.expected, inWords(value))
    return BigInt(value.getTime())
  },
}

const DATE: LogicalValue = {
  expected: "date as 'YYYY-MM-DD'",
  typescript: 'string',
  toValue: (stored) => new Date(Number(stored) * DAY_MS).toISOString().replace(/T.*/, ''),
  toStored(value) {
    const text = typeof value === 'string' && /^([+-]\d{6}|\d{4})-\d\d-\d\d$/.test(value) ? value : ''
    const ms = Date.parse(`${text}T00:00:00Z`)
    // A day that does not exist, such as 30 February, would silently become another one.
    if (Number.isNaN(ms) || this.toValue(ms / DAY_MS) !== text) throw new Misfit(this.expected, inWords(value))
    return ms / DAY_MS
  },
}

const UUID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const UUID_TEXT: LogicalValue = {
  expected: 'UUID text',
  typescript: 'string',
  toValue: (stored) => stored,
  toStored(value) {
    if (typeof value !== 'string' || !UUID_PATTERN.test(value)) throw new Misfit(this.expected, inWords(value))
    return value
  },
}

const UUID_BYTES: LogicalValue = {
  ...UUID_TEXT,
  toValue: (stored) => (stored as Buffer).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  toStored: (value) => Buffer.from((UUID_TEXT.toStored(value) as string).replaceAll('-', ''), 'hex'),
}

const DURATION: LogicalValue = {
  expected: 'duration as { months, days, millis }',
  typescript: '{ readonly months: number; readonly days: number; readonly millis: number }',
  toValue(stored) {
    const bytes = stored as Buffer
    return { months: bytes.readUInt32LE(0), days: bytes.readUInt32LE(4), millis: bytes.readUInt32LE(8) }
  },
  toStored(value) {
    const bytes = Buffer.alloc(12)
    const given = (value ?? {}) as Record<string, unknown>
    for (const [index, name] of ['months', 'days', 'millis'].entries()) {
      const part = given[name]
      if (typeof part !== 'number' || part >>> 0 !== part) throw new Misfit(this.expected, inWords(value))
      bytes.writeUInt32LE(part, index * 4)
    }
    return bytes
  },
}

function localTime(fractionDigits: number): LogicalValue {
  const expected = `local time as 'YYYY-MM-DDThh:mm:ss.${'f'.repeat(fractionDigits)}'`
  return {
    expected,
    typescript: 'string',
    toValue: (stored) => localTimeFromTicks(stored as bigint, fractionDigits),
    toStored(value) {
      const ticks = typeof value === 'string' ? localTimeToTicks(value, fractionDigits) : undefined
      if (ticks === undefined) throw new Misfit(expected, inWords(value))
      return ticks
    },
  }
}

function decimal({ precision, scale }: LogicalType & { name: 'decimal' }, size: number | undefined): LogicalValue {
  const expected = `decimal text with at most ${precision} digits, ${scale} of them after the point`
  return {
    expected,
    typescript: 'string',
    toValue: (stored) => decimalFromBytes(stored as Buffer, scale),
    toStored(value) {
      const bytes = typeof value === 'string' ? decimalToBytes(value, { precision, scale, size }) : undefined
      if (!bytes) throw new Misfit(expected, inWords(value))
      return bytes
    },
  }
}

const BIG_DECIMAL: LogicalValue = {
  expected: 'decimal text',
  typescript: 'string',
  toValue: (stored) => bigDecimalFromBytes(stored as Buffer),
  toStored(value) {
    const bytes = typeof value === 'string' ? bigDecimalToBytes(value) : undefined
    if (!bytes) throw new Misfit(this.expected, inWords(value))
    return bytes
  },
}

/** The others keep their stored value: numbers for milliseconds of a day, bigint for micro- and nanoseconds. */
const SIMPLE: Readonly<Partial<Record<SimpleLogicalTypeName, LogicalValue>>> = {
  'timestamp-millis': TIMESTAMP,
  'big-decimal': BIG_DECIMAL,
  date: DATE,
  uuid: UUID_TEXT,
  duration: DURATION,
  'local-timestamp-millis': localTime(3),
  'local-timestamp-micros': localTime(6),
  'local-timestamp-nanos': localTime(9),
}
