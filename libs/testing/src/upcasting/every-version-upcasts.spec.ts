import { avroType } from '@keyfold/avro'
import { defineEvent, dropped, renamed, type SharedType, split, upcast } from '@keyfold/eventsourcing'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExpectationFailed } from '../expectation-failed.ts'
import { Account } from '../testdata/account.ts'
import { Cancelled, Categorised, Placed } from '../testdata/generated/shop.ts'
import { avroArbitrary } from './avro-arbitrary.ts'
import { everyVersionUpcasts, type UpcastableEvents } from './every-version-upcasts.ts'

const events = [Placed, Cancelled, Categorised]

function failureOf(target: UpcastableEvents, seed = 1): string {
  try {
    everyVersionUpcasts(target, { seed, print: () => {} })
    return 'it did not fail'
  } catch (error) {
    if (error instanceof ExpectationFailed) return error.message
    throw error
  }
}

describe('random values of an Avro schema', () => {
  it.each(
    events.flatMap((event) => event.versions.map(({ version, schema }) => [event.eventName, version, schema] as const)),
  )('fit it: %s %i', (_name, _version, schema) => {
    const type = avroType(schema as object)
    fc.assert(
      fc.property(avroArbitrary(schema as object), (value) => {
        const body = type.encode(value)
        expect(type.encode(type.decode(body))).toEqual(body)
      }),
      { numRuns: 200 },
    )
  })
})

describe('everyVersionUpcasts', () => {
  it('follows versions to a type that they share with other events', () => {
    const money = (...fields: readonly object[]) => ({ type: 'record', name: 'Money', namespace: 'bank', fields })
    const [cents, currency] = [
      { name: 'cents', type: 'long' },
      { name: 'currency', type: 'string', default: 'EUR' },
    ]
    const Money: SharedType = {
      name: 'bank.Money',
      versions: [
        { version: 1, schema: money(cents) },
        { version: 2, schema: money(cents, currency) },
        { version: 3, schema: money({ name: 'amount', type: 'string', default: '' }) },
      ],
    }
    const using = (name: string, ...versions: readonly number[]) =>
      defineEvent<string, object>({
        name: `bank.${name}`,
        versions: versions.map((version, index) => ({
          version: index + 1,
          schema: { type: 'record', name, namespace: 'bank', fields: [{ name: 'amount', type: 'Money' }] },
          references: [{ type: Money, subject: 'bank.Money', version }],
        })),
      })
    const lines: string[] = []
    const Deposited = using('Deposited', 1, 2)
    everyVersionUpcasts(
      { events: [Deposited, using('Withdrawn', 1, 2)], upcasters: [] },
      { seed: 3, print: (line) => lines.push(line) },
    )
    expect(lines).toEqual(['upcasting: 4 versions of 2 events, 100 values each, seed 3'])
    // An upcaster gets the shape of the version it was written for, and must give that of the next one.
    const Later = using('Deposited', 1, 3)
    const right = upcast(Later, { from: 1 }, (data) => {
      const { amount } = data as { readonly amount: { readonly cents: bigint } }
      return { amount: { amount: `${amount.cents / 100n}` } }
    })
    expect(failureOf({ events: [Later], upcasters: [right] })).toBe('it did not fail')
    const wrong = upcast(Later, { from: 1 }, (data) => {
      const { amount } = data as { readonly amount: { readonly cents: bigint } }
      return { amount: { amount: amount.cents } }
    })
    expect(failureOf({ events: [Later], upcasters: [wrong] })).toContain('amount.amount must be string')
  })

  it('says what it has seen, and the seed', () => {
    const lines: string[] = []
    everyVersionUpcasts(Account, { seed: 42, print: (line) => lines.push(line) })
    expect(lines).toEqual(['upcasting: 4 versions of 3 events, 100 values each, seed 42'])
  })

  it('passes upcasters that are right for every value', () => {
    const Old = defineEvent({
      name: 'shop.Revoked',
      versions: [{ version: 1, schema: { type: 'record', name: 'shop.Revoked', fields: [] } }],
    })
    const upcasters = [
      upcast(Placed, { from: 1 }, ({ lines, total, paidWith }) => ({
        lines,
        total,
        paidWith,
        limits: { lines: { long: 1n } },
      })),
      split(Old, { into: [Cancelled] }, () => [Cancelled({}), Cancelled({})]),
      dropped('shop.Forgotten'),
    ]
    everyVersionUpcasts({ events, upcasters }, { print: () => {} })
    expect(failureOf({ events, upcasters })).toBe('it did not fail')
  })

  it('finds the value that an upcaster forgot, and says how to see it again', () => {
    const upcasters = [
      upcast(Placed, { from: 1 }, ({ lines, total, paidWith }) => ({
        lines,
        total,
        paidWith: paidWith === null ? null : (undefined as never),
      })),
    ]
    // A field that is left out has its default: nothing to find yet.
    expect(failureOf({ events, upcasters })).toBe('it did not fail')
    const failing = upcast(Placed, { from: 1 }, ({ lines, total }) => ({ lines, total: total.replace('-', '+') }))
    const found = failureOf({ events, upcasters: [failing] }, 7)
    expect(found).toMatch(
      /^version 1 of shop\.Placed does not lead to the events of today: .*total must be decimal text/,
    )
    expect(found).toContain('{ seed: 7 }')
    expect(found).toContain('value: {')
  })

  it('finds upcasters that throw, and those that are not pure', () => {
    const throwing = upcast(Placed, { from: 1 }, ({ lines, total }) => {
      if (lines.length === 0) throw new RangeError('no line')
      return { lines, total }
    })
    expect(failureOf({ events, upcasters: [throwing] })).toContain('the upcaster shop.Placed 1 → 2: no line')
    let calls = 0
    const counting = upcast(Placed, { from: 1 }, ({ lines, total }) => ({ lines, total, weights: [(calls += 1)] }))
    expect(failureOf({ events, upcasters: [counting] })).toContain('an upcaster is not pure')
  })

  it('fails at once for upcasters that cannot be a chain', () => {
    expect(() => everyVersionUpcasts({ events, upcasters: [renamed('shop.Old', Cancelled)] })).not.toThrow()
    expect(() => everyVersionUpcasts({ events: [], upcasters: [dropped(Placed, { from: 1 })] })).toThrow(
      /is not among the events/,
    )
  })
})
