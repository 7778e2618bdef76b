import { describe, expect, it } from 'vitest'
import { defineEvent, eventAt } from './event.ts'
import { upcasterProblems } from './upcaster-rules.ts'
import { dropped, renamed, split, upcast, upcasterInWords } from './upcaster.ts'

interface PlacedHistory {
  readonly 1: { readonly read: { readonly cents: number }; readonly write: { readonly cents?: number } }
  readonly 2: { readonly read: { readonly euros: string }; readonly write: { readonly euros: string } }
}
const Placed = defineEvent<'shop.Placed', { readonly euros: string }, { readonly euros: string }, PlacedHistory>({
  name: 'shop.Placed',
  versions: [
    { version: 1, schema: 'int' },
    { version: 2, schema: 'string', guid: 'b' },
  ],
})
const withVersions = (name: string, count: number) =>
  defineEvent({ name, versions: Array.from({ length: count }, (_, index) => ({ version: index + 1, schema: 'int' })) })
const Four = withVersions('shop.Four', 4)
const Other = withVersions('shop.Other', 1)
const same = (data: unknown) => data

describe('an upcaster', () => {
  it('is a value, typed from version to version', () => {
    const upcaster = upcast(Placed, { from: 1, to: 2 }, ({ cents }) => ({ euros: (cents / 100).toFixed(2) }))
    expect(upcaster).toMatchObject({ kind: 'upcaster', event: 'shop.Placed', source: Placed, from: 1 })
    expect(upcaster.step.kind === 'map' && upcaster.step.map({ cents: 250 })).toEqual({ euros: '2.50' })
    // @ts-expect-error version 2 has no cents
    const wrong = () => upcast(Placed, { from: 1, to: 2 }, () => ({ cents: 1 }))
    // @ts-expect-error there is no version 3
    const missing = () => upcast(Placed, { from: 3 }, same)
    expect([wrong, missing]).toHaveLength(2)
  })

  it('goes to the next version unless it says another', () => {
    expect(upcast(Four, { from: 2 }, same).step).toMatchObject({ kind: 'map', to: 3 })
    expect(
      [
        upcast(Four, { from: 1, to: 3 }, same),
        split(Four, { from: 2, into: [Placed, Other] }, () => []),
        renamed('shop.Old', Four, { version: 2 }),
        dropped(Four, { from: 3 }),
        dropped(Other),
      ].map(upcasterInWords),
    ).toEqual([
      'shop.Four 1 → 3',
      'shop.Four 2 → shop.Placed + shop.Other',
      'shop.Old → shop.Four 2',
      'shop.Four 3 → nothing',
      'shop.Other → nothing',
    ])
  })

  it('starts from events that name their version', () => {
    expect(eventAt(Placed, 1, { cents: 5 })).toEqual({ type: 'shop.Placed', data: { cents: 5 }, version: 1 })
    expect(Placed.newest).toMatchObject({ version: 2, guid: 'b' })
    expect(() => eventAt(Other, 2 as never, {} as never)).toThrow('shop.Other has no version 2')
  })
})

describe('a set of upcasters', () => {
  const events = [Placed, Four, Other]
  const problemsOf = (...upcasters: Parameters<typeof upcasterProblems>[1]) =>
    upcasterProblems(events, upcasters).join('\n')

  it('is sound when every version has one way to go', () => {
    expect(problemsOf()).toBe('')
    expect(problemsOf(upcast(Four, { from: 1 }, same), upcast(Four, { from: 3 }, same))).toBe('')
    // Version 2 starts from an upcaster of its own.
    expect(problemsOf(upcast(Four, { from: 1, to: 4 }, same), upcast(Four, { from: 3, to: 4 }, same))).toBe('')
    expect(
      problemsOf(
        split(Four, { from: 1, into: [Four, Other] }, () => []),
        dropped('shop.Gone'),
      ),
    ).toBe('')
    expect(
      problemsOf(renamed('shop.Older', Four), renamed('shop.Old', Four), dropped(withVersions('shop.Past', 2))),
    ).toBe('')
  })

  it.each([
    [
      'a gap',
      [upcast(Four, { from: 1, to: 4 }, same)],
      'shop.Four 1 → 4 leaves a gap: nothing takes version 2 or 3 of shop.Four to 4 (there is shop.Four 1 → 4); start it from 3',
    ],
    [
      'an overlap',
      [upcast(Four, { from: 1 }, same), dropped(Four, { from: 1 })],
      'shop.Four 1 → 2 and shop.Four 1 → nothing overlap',
    ],
    ['a way back', [upcast(Four, { from: 3, to: 2 }, same)], 'goes backwards'],
    [
      'a version that is not there',
      [upcast(Four, { from: 5 }, same)],
      'shop.Four has no version 5; its versions are 1, 2, 3, 4',
    ],
    ['a target that is not there', [renamed('shop.Old', Four, { version: 9 })], 'shop.Four has no version 9'],
    [
      'an unknown event',
      [upcast(withVersions('shop.New', 2), { from: 1 }, same)],
      'shop.New is not among the events here, which are shop.Placed, shop.Four, shop.Other',
    ],
    [
      'an unknown target',
      [split(Four, { from: 1, into: [withVersions('shop.New', 1)] }, () => [])],
      'shop.New is not among',
    ],
    ['a circle', [renamed(Four, Other), renamed(Other, Four)], 'in a circle: shop.Four → shop.Other → shop.Four'],
    ['a circle of one', [split(Four, { into: [Four] }, () => [])], 'in a circle: shop.Four → shop.Four'],
    ['a start by text', [dropped('shop.Gone', { from: 2 })], 'names shop.Gone by text'],
  ])('is refused for %s', (_, upcasters, text) => {
    expect(problemsOf(...upcasters)).toContain(text)
  })
})
