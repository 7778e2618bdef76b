import { describe, expect, it } from 'vitest'
import { type ConsumerMember, fromStoredMember, newConsumerMember, storedMember } from './consumer-member.ts'
import { heldSince, heldSinceList } from './held-since.ts'
import { type PartitionSet, partitionList, partitionSet } from './partition-set.ts'
import { reconcile } from './reconciliation.ts'

const nobody = () => true

function set(...partitions: number[]): PartitionSet {
  return partitionSet([{ topicId: 't', partitions }])
}

function member(partitions: number[], overrides: Partial<ConsumerMember> = {}): ConsumerMember {
  return {
    ...newConsumerMember('m'),
    memberEpoch: 5,
    previousMemberEpoch: 4,
    assigned: set(...partitions),
    ...overrides,
  }
}

function shown({ state, memberEpoch, previousMemberEpoch, assigned, pendingRevocation }: ConsumerMember) {
  const [has, gives] = [assigned, pendingRevocation].map((each) => partitionList(each)[0]?.partitions ?? [])
  return { state, epochs: [previousMemberEpoch, memberEpoch], has, gives }
}

describe('statement 73: the way of a member to its target', () => {
  it('statement 73: a member that is there stays as it is', () => {
    const there = member([0, 1])
    expect(reconcile(there, { epoch: 5, target: set(0, 1), owned: null, isFree: nobody })).toBe(there)
  })

  it('statement 73: it gives up first, in its old epoch, and gets nothing new meanwhile', () => {
    const next = reconcile(member([0, 1]), { epoch: 6, target: set(1, 2), owned: null, isFree: nobody })
    expect(shown(next)).toEqual({ state: 'unrevoked', epochs: [5, 5], has: [1], gives: [0] })
    const goal = { epoch: 6, target: set(1, 2), isFree: nobody }
    expect(reconcile(next, { ...goal, owned: null })).toBe(next)
    expect(reconcile(next, { ...goal, owned: set(0, 1) })).toBe(next)
    const done = reconcile(next, { ...goal, owned: set(1) })
    expect(shown(done)).toEqual({ state: 'stable', epochs: [5, 6], has: [1, 2], gives: [] })
  })

  it('statement 73: what others still have comes later, the epoch at once', () => {
    const isFree = (_: string, partition: number) => partition !== 2
    const goal = { epoch: 6, target: set(1, 2, 3), owned: null }
    const waiting = reconcile(member([1]), { ...goal, isFree })
    expect(shown(waiting)).toEqual({ state: 'unreleased', epochs: [5, 6], has: [1, 3], gives: [] })
    const told = reconcile(waiting, { ...goal, isFree })
    expect(shown(told)).toEqual({ state: 'unreleased', epochs: [6, 6], has: [1, 3], gives: [] })
    expect(reconcile(told, { ...goal, isFree })).toBe(told)
    expect(shown(reconcile(told, { ...goal, isFree: nobody }))).toMatchObject({ state: 'stable', has: [1, 2, 3] })
  })

  it('statement 73: a target that changes on the way is gone for from where the member is', () => {
    const giving = member([1], { state: 'unrevoked', pendingRevocation: set(0) })
    const goal = { epoch: 7, target: set(0), isFree: nobody }
    const next = reconcile(giving, { ...goal, owned: set(1) })
    expect(shown(next)).toMatchObject({ state: 'unrevoked', has: [], gives: [1] })
    expect(shown(reconcile(next, { ...goal, owned: set() }))).toMatchObject({ state: 'stable', has: [0], gives: [] })
  })

  it('statement 73: what the member does not own any more need not be given up', () => {
    const next = reconcile(member([0, 1]), { epoch: 6, target: set(1), owned: set(1), isFree: nobody })
    expect(shown(next)).toMatchObject({ state: 'stable', epochs: [5, 6], has: [1], gives: [] })
  })
})

it('statement 75: what a member keeps it has had since then, what it gets counts from the epoch that gave it', () => {
  const since = ({ heldSince: epochs }: ConsumerMember) => heldSinceList(epochs)
  const goal = { epoch: 6, target: set(1, 2), isFree: nobody }
  const giving = reconcile(member([0, 1], { heldSince: heldSince(set(0, 1), 4) }), { ...goal, owned: null })
  expect(since(giving)).toEqual([
    [
      't',
      [
        [0, 4],
        [1, 4],
      ],
    ],
  ])
  const there = reconcile(giving, { ...goal, owned: set(1) })
  expect(since(there)).toEqual([
    [
      't',
      [
        [1, 4],
        [2, 6],
      ],
    ],
  ])
  expect(since(fromStoredMember(storedMember(there)))).toEqual(since(there))
})

it('statement 75: a member from a journal without these epochs has had everything since its own', () => {
  const { heldSince: _, ...older } = storedMember(member([0], { pendingRevocation: set(1) }))
  expect(heldSinceList(fromStoredMember(older).heldSince)).toEqual([
    [
      't',
      [
        [0, 5],
        [1, 5],
      ],
    ],
  ])
})
