import * as fc from 'fast-check'
import { describe, it } from 'vitest'
import { AvroError } from '../errors.ts'
import { avroType } from './avro-type.ts'

/** A schema and a value of it. */
interface Pair {
  readonly schema: unknown
  readonly value: unknown
}

let names = 0

const leaf: fc.Arbitrary<Pair> = fc.oneof(
  fc.constant({ schema: 'null', value: null }),
  fc.boolean().map((value) => ({ schema: 'boolean', value })),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((value) => ({ schema: 'int', value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({ schema: 'long', value })),
  fc.double().map((value) => ({ schema: 'double', value })),
  fc.string({ unit: 'grapheme' }).map((value) => ({ schema: 'string', value })),
  fc.uint8Array().map((value) => ({ schema: 'bytes', value: Buffer.from(value) })),
)

const pair = fc.letrec<{ any: Pair; record: Pair }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    leaf,
    tie('record'),
    tie('any').map(({ schema, value }) => ({ schema: { type: 'array', items: schema }, value: [value, value] })),
    tie('any').map(({ schema, value }) => ({ schema: { type: 'map', values: schema }, value: { 'a b': value } })),
  ),
  record: fc.array(tie('any'), { maxLength: 5 }).map((members) => ({
    schema: {
      type: 'record',
      name: `R${names++}`,
      fields: members.map(({ schema }, index) => ({ name: `m${index}`, type: schema })),
    },
    value: Object.fromEntries(members.map(({ value }, index) => [`m${index}`, value])),
  })),
}))

describe('any schema', () => {
  it('gives back every value of it', () => {
    fc.assert(
      fc.property(pair.any, ({ schema, value }) => {
        const type = avroType(JSON.stringify(schema))
        const decoded = type.decode(type.encode(value))
        return same(decoded, value)
      }),
      { numRuns: 300 },
    )
  })

  it('reads any bytes as a value or refuses them, without hanging', () => {
    fc.assert(
      fc.property(pair.any, fc.uint8Array({ maxLength: 200 }), ({ schema }, bytes) => {
        const type = avroType(JSON.stringify(schema))
        try {
          type.decode(Buffer.from(bytes))
          return true
        } catch (error) {
          return error instanceof AvroError && error.code === 'AVRO_BODY_CORRUPT'
        }
      }),
      { numRuns: 500 },
    )
  })
})

function same(left: unknown, right: unknown): boolean {
  if (Buffer.isBuffer(left) && Buffer.isBuffer(right)) return left.equals(right)
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null)
    return Object.is(left, right)
  const [leftEntries, rightEntries] = [Object.entries(left), Object.entries(right)]
  return (
    leftEntries.length === rightEntries.length &&
    leftEntries.every(([key, value]) => same(value, (right as Record<string, unknown>)[key]))
  )
}
