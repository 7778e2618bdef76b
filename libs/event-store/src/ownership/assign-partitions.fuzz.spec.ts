import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignPartitions, type WriterMember } from './assign-partitions.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const runs = { seed, numRuns: 300 }

const partitionCounts = fc.integer({ min: 1, max: 40 })
const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 })
const topic = 'bank.account'

describe(`the assigner (seed ${seed})`, () => {
  it('gives every partition to exactly one member, nobody two more than another', () => {
    fc.assert(
      fc.property(anyMembers(), partitionCounts, (members, partitions) => {
        const shares = assignPartitions(topic, members, partitions)
        expect([...shares.keys()].sort()).toEqual(members.map(({ memberId }) => memberId).sort())
        expect([...shares.values()].flat().sort((left, right) => left - right)).toEqual(upTo(partitions))
        const counts = [...shares.values()].map(({ length }) => length)
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      }),
      runs,
    )
  })

  it('says the same to the same members, in whatever order they come', () => {
    fc.assert(
      fc.property(anyMembers(), partitionCounts, (members, partitions) => {
        const turned = assignPartitions(topic, [...members].reverse(), partitions)
        expect(new Map(turned)).toEqual(new Map(assignPartitions(topic, members, partitions)))
      }),
      runs,
    )
  })

  it('moves nothing when nobody came or went', () => {
    fc.assert(
      fc.property(names, partitionCounts, (members, partitions) => {
        const before = assignPartitions(topic, fresh(members), partitions)
        expect(assignPartitions(topic, settled(members, before), partitions)).toEqual(before)
      }),
      runs,
    )
  })

  it('moves to one that came its share only, and from one that went what it had only', () => {
    fc.assert(
      fc.property(
        names,
        fc.string({ minLength: 7, maxLength: 8 }),
        partitionCounts,
        (members, newcomer, partitions) => {
          const before = assignPartitions(topic, fresh(members), partitions)
          const joined = [...settled(members, before), member(newcomer)]
          const after = assignPartitions(topic, joined, partitions)
          expect(movedTo(before, after)).toEqual(new Set(after.get(newcomer)))
          expect(after.get(newcomer)?.length).toBe(Math.floor(partitions / joined.length))

          const left = settled([...members, newcomer], after).filter(({ memberId }) => memberId !== members[0])
          const lost = new Set(after.get(members[0] ?? ''))
          expect(movedTo(after, assignPartitions(topic, left, partitions))).toEqual(lost)
        },
      ),
      runs,
    )
  })

  it('believes of two that say they own a partition the one of the later generation', () => {
    const zombie = { ...member('a'), owned: [0, 1, 2, 3], generation: 4 }
    const owner = { ...member('b'), owned: [0, 1], generation: 5 }
    expect(assignPartitions(topic, [zombie, owner], 4)).toEqual(
      new Map([
        ['a', [2, 3]],
        ['b', [0, 1]],
      ]),
    )
  })
})

function member(memberId: string): WriterMember {
  return { memberId, slot: memberId, owned: [], generation: -1 }
}

function fresh(members: readonly string[]): readonly WriterMember[] {
  return members.map(member)
}

function settled(members: readonly string[], shares: ReadonlyMap<string, readonly number[]>): readonly WriterMember[] {
  return members.map((memberId) => ({ ...member(memberId), owned: shares.get(memberId) ?? [], generation: 1 }))
}

/** Members that say anything at all. */
function anyMembers(): fc.Arbitrary<readonly WriterMember[]> {
  const said = fc.tuple(fc.array(fc.nat({ max: 50 }), { maxLength: 10 }), fc.integer({ min: -1, max: 3 }))
  return names.chain((members) =>
    fc.tuple(
      ...members.map((memberId) => said.map(([owned, generation]) => ({ ...member(memberId), owned, generation }))),
    ),
  )
}

function movedTo(before: ReadonlyMap<string, readonly number[]>, after: ReadonlyMap<string, readonly number[]>) {
  const moved = [...after].flatMap(([memberId, share]) => share.filter((each) => !before.get(memberId)?.includes(each)))
  return new Set(moved)
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
