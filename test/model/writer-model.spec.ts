import { describe, expect, it } from 'vitest'
import { explore, type ExploreOptions, sights } from './explore.ts'
import { type Mutation, mutations } from './mutations.ts'

const isDeep = process.env['KEYFOLD_MODEL'] === 'deep'

/** Two processes that start in any order and overlap, a switch that is told on, off, and on again under the first id. */
const bounds: ExploreOptions = {
  script: [
    { id: 1, kind: 'on' },
    { id: 2, kind: 'off' },
    { id: 1, kind: 'on' },
  ],
  faults: 1,
  starts: 2,
  batchCommands: 2,
  transactions: 1,
}

/** With an epoch for every transaction there is less that can happen: two calls show all of it. */
const newer: ExploreOptions = { ...bounds, transactions: 2, script: bounds.script.slice(0, 2) }

/** The larger worlds: some millions of states each. */
const deeper: readonly ExploreOptions[] = [
  { ...bounds, transactions: 2 },
  { ...newer, faults: 2 },
  { ...bounds, script: [...bounds.script.slice(0, 2), { id: 3, kind: 'on' }, { id: 1, kind: 'on' }] },
  { ...bounds, starts: 3 },
  { ...bounds, script: bounds.script.slice(0, 2), faults: 2 },
  { ...bounds, script: bounds.script.slice(1), faults: 2, starts: 3 },
]

/** What each wrong protocol leads to, seen by clients and in the log, or, for claims, by who wrote what. */
const expected: Readonly<Record<Mutation, RegExp>> = {
  'no fencing': /told committed at \d+ and is not there|version \d+ follows|happened twice/,
  'no re-read after the fence': /version \d+ follows version|happened twice/,
  'rejections not held': /was rejected on version/,
  'replies before the commit': /told committed at \d+ and is not there/,
  'no claim record': /has two owners|writes after another one took over/,
  'an uncertain claim is forgotten': /writes after another one took over/,
  'command ids lost at a restart': /told rejected and is there|happened twice|was told (committed|rejected) at/,
  'same producer after an unknown outcome': /follows version|happened twice|was rejected on version/,
  'no new claim after an unknown outcome': /follows version|happened twice|was rejected on version/,
  'overlay of an aborted batch kept': /follows version|was rejected on version/,
  'local store beyond the log': /follows version|was rejected on version|is not there/,
  'what a node forgot is left': /told committed at \d+ and is not there|version \d+ follows|happened twice|was told/,
  'answers after it was fenced': /was rejected on version/,
  'unknown told as failed': /told failed, and is there/,
}

/** Where more is needed to see it than the answers and the events. */
const closerLook: Partial<Record<Mutation, Partial<ExploreOptions>>> = {
  'no claim record': { sees: 'everything', script: [...bounds.script.slice(0, 2), { id: 3, kind: 'on' }] },
  'an uncertain claim is forgotten': { sees: 'everything' },
}

describe('the protocol of the write side, in every order of events', () => {
  const truth = 'loses, doubles, reorders and decides on stale state nothing, and tells the truth'
  it.each([bounds, newer])(`${truth}, in version $transactions of transactions`, { timeout: 180_000 }, (world) => {
    const { states, isWhole, wrong, sights: seen } = explore(world)
    process.stdout.write(`write-side model: ${states} states, all of them; ${JSON.stringify(seen)}\n`)
    expect(wrong).toBeUndefined()
    expect(isWhole).toBe(true)
    // A world in which nothing goes wrong would show nothing.
    for (const sight of sights) expect(seen[sight], sight).toBeGreaterThan(0)
  })

  it.runIf(isDeep).each(deeper)('and so in a larger world: %j', { timeout: 3_600_000 }, (larger) => {
    const { states, isWhole, wrong } = explore({ ...larger, statesMax: 12_000_000 })
    process.stdout.write(`write-side model: ${states} states${isWhole ? ', all of them' : ', and there are more'}\n`)
    expect(wrong).toBeUndefined()
  })

  it.each(mutations)('is found to be wrong with: %s', { timeout: 180_000 }, (mutation) => {
    const { wrong } = explore({ ...bounds, mutation, sees: 'what clients see', ...closerLook[mutation] })
    expect(wrong?.what).toMatch(expected[mutation])
    // The shortest way there can be followed by a reader.
    expect(wrong?.steps.length).toBeGreaterThan(3)
    expect(wrong?.steps.length).toBeLessThan(30)
  })
})
