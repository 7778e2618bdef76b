import { avroType } from '@keyfold/avro'
import type { Comparison } from './compare.ts'
import type { Random } from './random.ts'

export interface LogicalQuestion {
  readonly ask: 'read'
  readonly logical: true
  readonly writer: string
  readonly reader: string
  readonly bytes: string
}

interface LogicalKind {
  readonly schema: object
  readonly value: (random: Random) => unknown
  /** What Java prints of the same value. */
  readonly java: (value: never) => unknown
}

const ms = (random: Random) => (random.below(2 ** 32) - 2 ** 31) * 1000 + random.below(1000)
const digits = (random: Random, most: number) =>
  Array.from({ length: 1 + random.below(most) }, () => random.below(10)).join('')
const whole = (random: Random, most: number) => digits(random, most).replace(/^0+(?=\d)/, '')

/** Both sides write two-digit exponents, fractions and zeros their own way: what is compared is brought to one form. */
const KINDS: readonly LogicalKind[] = [
  {
    schema: { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 4 },
    value: (random) => sign(random, `${whole(random, 20)}.${digits(random, 1)}${digits(random, 1)}00`),
    java: (value: string) => ({ BigDecimal: value }),
  },
  {
    schema: { type: 'fixed', name: 'D', size: 9, logicalType: 'decimal', precision: 20, scale: 2 },
    value: (random) => sign(random, `${whole(random, 18)}.${digits(random, 1)}0`),
    java: (value: string) => ({ BigDecimal: value }),
  },
  {
    schema: { type: 'bytes', logicalType: 'big-decimal' },
    value: (random) => sign(random, `${1 + random.below(9)}${digits(random, 30)}.${digits(random, 12)}`),
    java: (value: string) => ({ BigDecimal: value }),
  },
  {
    schema: { type: 'int', logicalType: 'date' },
    value: (random) => new Date(ms(random)).toISOString().slice(0, 10),
    java: (value: string) => ({ LocalDate: value }),
  },
  {
    schema: { type: 'long', logicalType: 'timestamp-millis' },
    value: (random) => new Date(ms(random)),
    java: (value: Date) => ({ Instant: value.toISOString().replace(/\.000Z$/, 'Z') }),
  },
  {
    schema: { type: 'long', logicalType: 'local-timestamp-micros' },
    value: (random) => `${new Date(ms(random)).toISOString().slice(0, 19)}.${100_000 + random.below(899_999)}`,
    java: (value: string) => ({ LocalDateTime: value.replace(/000$/, '') }),
  },
  {
    schema: { type: 'long', logicalType: 'local-timestamp-nanos' },
    value: (random) => `${new Date(ms(random)).toISOString().slice(0, 19)}.${100_000_001 + random.below(899_999)}`,
    java: (value: string) => ({ LocalDateTime: value.replace(/000(?:000)?$/, '') }),
  },
  {
    schema: { type: 'string', logicalType: 'uuid' },
    value: (random) => uuid(random),
    java: (value: string) => ({ UUID: value }),
  },
  {
    schema: { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' },
    value: (random) => uuid(random),
    java: (value: string) => ({ UUID: value }),
  },
]

function sign(random: Random, text: string): string {
  return random.oneIn(2) && /[1-9]/.test(text) ? `-${text}` : text
}

function uuid(random: Random): string {
  const hex = Array.from({ length: 32 }, () => random.below(16).toString(16)).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Values of logical types in our bytes, to be read by Java's own conversions. */
export function logicalQuestion(random: Random): LogicalQuestion {
  const kind = random.pick(KINDS)
  const schema = JSON.stringify(kind.schema)
  const bytes = avroType(schema).encode(kind.value(random)).toString('hex')
  return { ask: 'read', logical: true, writer: schema, reader: schema, bytes }
}

export function compareLogical({ writer, bytes }: LogicalQuestion, java: { readonly value?: unknown }): Comparison {
  const kind = KINDS.find(({ schema }) => JSON.stringify(schema) === writer)
  const ours = kind?.java(avroType(writer).decode(Buffer.from(bytes, 'hex')) as never)
  return JSON.stringify(ours) === JSON.stringify(java.value)
    ? { outcome: 'same' }
    : { outcome: 'different', ours, java }
}
