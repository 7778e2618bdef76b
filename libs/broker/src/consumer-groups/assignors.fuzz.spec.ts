import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Assignor, type AssignorInput, assignors } from './assignor.ts'
import { countOf, difference, noPartitions, type PartitionSet } from './partition-set.ts'

/** Topics with partition counts, and members that subscribe to some of them. */
const groups = fc
  .record({
    counts: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }),
    members: fc.array(fc.nat({ max: 31 }), { minLength: 1, maxLength: 8 }),
    areAlike: fc.boolean(),
  })
  .map(({ counts, members, areAlike }) => build(counts, areAlike ? members.map(() => 31) : members))

function build(counts: readonly number[], members: readonly number[]): AssignorInput {
  const subscribed = members.map(
    (bits) => new Set(counts.flatMap((_, topic) => (bits & (1 << topic) ? [`t${topic}`] : []))),
  )
  const all = new Set(subscribed.flatMap((topics) => [...topics]))
  return {
    partitionCounts: new Map(
      counts.map((count, topic): [string, number] => [`t${topic}`, count]).filter(([id]) => all.has(id)),
    ),
    members: subscribed.map((topicIds, index) => ({
      memberId: `m${index}`,
      instanceId: index % 3 === 0 ? `i${index}` : null,
      topicIds,
      target: noPartitions,
    })),
  }
}

/** Every partition to one subscriber of its topic, nothing else to anybody. */
function expectComplete(input: AssignorInput, result: ReadonlyMap<string, PartitionSet>): void {
  const given = [...result].flatMap(([memberId, set]) =>
    [...set].flatMap(([topicId, partitions]) => {
      expect(input.members.find((member) => member.memberId === memberId)?.topicIds.has(topicId)).toBe(true)
      return Array.from(partitions, (partition) => `${topicId}-${partition}`)
    }),
  )
  const wanted = [...input.partitionCounts].flatMap(([id, count]) =>
    Array.from({ length: count }, (_, p) => `${id}-${p}`),
  )
  expect(given.toSorted()).toEqual(wanted.toSorted())
}

function withTargets(input: AssignorInput, targets: ReadonlyMap<string, PartitionSet>): AssignorInput {
  const target = (memberId: string) => targets.get(memberId) ?? noPartitions
  return { ...input, members: input.members.map((member) => ({ ...member, target: target(member.memberId) })) }
}

function loadsOf(result: ReadonlyMap<string, PartitionSet>): number[] {
  return Array.from(result.values(), countOf)
}

function moved(before: ReadonlyMap<string, PartitionSet>, after: ReadonlyMap<string, PartitionSet>): number {
  let count = 0
  for (const [memberId, set] of after) count += countOf(difference(set, before.get(memberId) ?? noPartitions))
  return count
}

describe.each(Object.entries<Assignor>(assignors))('statement 74: the %s assignor', (_, assign) => {
  it('statement 74: gives every partition to one subscriber', () => {
    fc.assert(fc.property(groups, (input) => expectComplete(input, assign(input))))
  })

  it('statement 74: comes to the same again', () => {
    fc.assert(
      fc.property(groups, (input) => {
        const result = assign(input)
        expect(moved(result, assign(withTargets(input, result)))).toBe(0)
      }),
    )
  })
})

describe('statement 74: the uniform assignor', () => {
  const { uniform } = assignors

  it('statement 74: differs by one at most where all subscribe to the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 9 }),
        (counts, size) => {
          const loads = loadsOf(
            uniform(
              build(
                counts.slice(0, 5),
                Array.from({ length: size }, () => 31),
              ),
            ),
          )
          expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
        },
      ),
    )
  })

  it('statement 74: leaves no move between two subscribers of a topic that would make them more equal', () => {
    fc.assert(
      fc.property(groups, (input) => {
        const result = uniform(input)
        const load = (memberId: string) => countOf(result.get(memberId) ?? noPartitions)
        for (const [memberId, set] of result) {
          for (const topicId of set.keys()) {
            const others = input.members.filter(({ topicIds }) => topicIds.has(topicId))
            for (const other of others) expect(load(memberId) - load(other.memberId)).toBeLessThanOrEqual(1)
          }
        }
      }),
    )
  })

  it('statement 74: moves only what a newcomer gets', () => {
    const before = uniform(build([12, 12], [3, 3, 3]))
    const input = build([12, 12], [3, 3, 3, 3])
    const after = uniform(withTargets(input, before))
    expect(loadsOf(after)).toEqual([6, 6, 6, 6])
    expect(moved(before, after)).toBe(6)
    expect([...(after.get('m0')?.get('t0') ?? [])]).toEqual([...(before.get('m0')?.get('t0') ?? [])])
  })

  it('statement 74: leaves the odd partition where it is, or gives it to the first member, unlike in Kafka', () => {
    const input = build([3], [1, 1])
    expect(loadsOf(uniform(input))).toEqual([2, 1])
    const fromSecond = new Map([['m1', new Map([['t0', new Set([0, 1])]])]])
    expect(loadsOf(uniform(withTargets(input, fromSecond)))).toEqual([1, 2])
  })

  it('statement 74: is quick for a large group', () => {
    const counts = Array.from({ length: 5 }, () => 2000)
    const input = build(
      counts,
      Array.from({ length: 500 }, () => 31),
    )
    const before = uniform(input)
    expect(new Set(loadsOf(before))).toEqual(new Set([20]))
    const fewer = { ...withTargets(input, before), members: withTargets(input, before).members.slice(0, 400) }
    expect(moved(before, uniform(fewer))).toBe(2000)
  })
})

describe('statement 74: the range assignor', () => {
  it('statement 74: gives consecutive partitions, the same of each topic, static members first', () => {
    const input = build([5, 5], [3, 3, 3])
    const result = assignors.range(input)
    const shown = [...result].map(([memberId, set]) => [
      memberId,
      ...Array.from(set.values(), (partitions) => [...partitions]),
    ])
    expect(shown).toEqual([
      ['m0', [0, 1], [0, 1]],
      ['m1', [2, 3], [2, 3]],
      ['m2', [4], [4]],
    ])
    const reversed = assignors.range({ ...input, members: input.members.toReversed() })
    expect(reversed).toEqual(result)
  })
})
