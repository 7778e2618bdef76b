import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromWire, toWire } from './wire-value.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string(),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom(null, -0, Number.NaN, Infinity, -Infinity),
    fc.date(),
    fc.uint8Array({ maxLength: 20 }),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string({ maxLength: 3 }), fc.constant('$')), tie('value'), { noNullPrototype: true }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 3 }).map((members) => new Set(members)),
  ),
})).value

describe(`values between instances (seed ${seed})`, () => {
  it('arrive exactly as they were', () => {
    fc.assert(
      fc.property(values, (value) => {
        const arrived = fromWire(JSON.parse(JSON.stringify(toWire(value))))
        expect(arrived).toStrictEqual(value)
      }),
      { seed, numRuns: 500 },
    )
  })

  it('lose what is not there, and refuse what they do not know', () => {
    expect(fromWire(toWire({ there: 1, gone: undefined }))).toStrictEqual({ there: 1 })
    expect(fromWire(toWire([undefined]))).toStrictEqual([undefined])
    expect(() => fromWire({ $: ['dragon', 1] })).toThrow(TypeError)
  })
})
