import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StateNotStorable, stateOfText, storablePrototype, textOfState } from './state-text.ts'

const leaf = fc.oneof(
  fc.string(),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.uint8Array(),
)
const { state } = fc.letrec((tie) => ({
  state: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('state')),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$', '__proto__', 'constructor')), tie('state')),
    fc.array(fc.tuple(tie('state'), tie('state'))).map((entries) => new Map(entries)),
    fc.array(tie('state')).map((entries) => new Set(entries)),
  ),
}))

const there = (value: unknown) => stateOfText(textOfState(value), Object.prototype)

describe('states as text', () => {
  it('come back as what they were', () => {
    fc.assert(
      fc.property(state, (value) => {
        expect(isDeepStrictEqual(there(value), withPlainMaps(value))).toBe(true)
      }),
    )
  })

  it('come back as instances of their class, without its constructor being run', () => {
    let made = 0
    class Account {
      balance = 5n
      constructor() {
        made += 1
      }
      double() {
        return this.balance * 2n
      }
    }
    const account = new Account()
    account.balance = 7n
    const back = stateOfText(textOfState(account), storablePrototype(account)) as Account
    expect([back instanceof Account, back.double(), made]).toEqual([true, 14n, 1])
  })

  it('are refused when text cannot hold them', () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    class Money {
      cents = 1
    }
    for (const value of [{ f: () => 1 }, { s: Symbol('s') }, circle, { price: new Money() }, [new WeakMap()]])
      expect(() => textOfState(value)).toThrow(StateNotStorable)
    class Secretive {
      #pin = 1
      pin() {
        return this.#pin
      }
    }
    class Heir extends Secretive {}
    expect(() => storablePrototype(new Heir())).toThrow('private fields')
    expect(storablePrototype({ plain: true })).toBe(Object.prototype)
  })
})

/** fast-check makes dictionaries without a prototype now and then; they come back with one. */
function withPlainMaps(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(withPlainMaps)
  if (value instanceof Map) return new Map([...value].map(([key, inner]) => [withPlainMaps(key), withPlainMaps(inner)]))
  if (value instanceof Set) return new Set([...value].map(withPlainMaps))
  if (Object.getPrototypeOf(value) !== null && Object.getPrototypeOf(value) !== Object.prototype) return value
  const members = Object.entries(value).map(([name, member]) => [name, withPlainMaps(member)])
  return Object.fromEntries(members)
}
