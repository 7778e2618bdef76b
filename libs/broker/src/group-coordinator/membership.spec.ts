import { KafkaError } from '@keyfold/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { GroupRehearsal, subscription } from '../testing/group-rehearsal.ts'

let rehearsal: GroupRehearsal

beforeEach(() => {
  rehearsal = new GroupRehearsal()
})

describe('statement 56: what a JoinGroup has to bring', () => {
  it('statement 56: refuses a member without protocols, or without one in common', () => {
    expect(rehearsal.joining({ protocols: [] }).answer?.error).toBe(KafkaError.INCONSISTENT_GROUP_PROTOCOL)
    rehearsal.stable(1)
    const other = [{ name: 'sticky', metadata: subscription }]
    expect(rehearsal.joining({ protocols: other }).answer?.error).toBe(KafkaError.INCONSISTENT_GROUP_PROTOCOL)
    expect(rehearsal.joining({ protocolType: 'connect' }).answer?.error).toBe(KafkaError.INCONSISTENT_GROUP_PROTOCOL)
  })

  it('statement 56: does not know a member id that it did not give', () => {
    rehearsal.stable(1)
    expect(rehearsal.joining({ memberId: 'stranger' }).answer?.error).toBe(KafkaError.UNKNOWN_MEMBER_ID)
  })
})

describe('statement 57: member ids', () => {
  it('statement 57: gives a newcomer an id to come back with, which expires', () => {
    const first = rehearsal.joining({ memberIdRequired: true })
    expect(first.answer).toMatchObject({ error: KafkaError.MEMBER_ID_REQUIRED, memberId: 'client-uuid1' })
    expect(rehearsal.group.members.size).toBe(0)
    rehearsal.pass(10_000)
    expect(rehearsal.joining({ memberId: 'client-uuid1', memberIdRequired: true }).answer?.error.name).toBe(
      'UNKNOWN_MEMBER_ID',
    )
  })

  it('statement 57: lets it in when it comes back in time', () => {
    rehearsal.joining({ memberIdRequired: true })
    const second = rehearsal.joining({ memberId: 'client-uuid1', memberIdRequired: true })
    rehearsal.pass(3000)
    expect(second.answer).toMatchObject({ error: KafkaError.NONE, memberId: 'client-uuid1', generationId: 1 })
  })

  it('statement 57: takes an old client in at once and names static members after their instance', () => {
    rehearsal.joining()
    rehearsal.joining({ groupInstanceId: 'i', memberIdRequired: true })
    expect([...rehearsal.group.members.keys()]).toEqual(['client-uuid1', 'i-uuid2'])
  })
})

describe('statement 60: rejoining a stable group', () => {
  it('statement 60: a follower with unchanged metadata learns the present generation at once', () => {
    const [, follower = ''] = rehearsal.stable(2)
    expect(rehearsal.joining({ memberId: follower }).answer).toMatchObject({ generationId: 1, error: KafkaError.NONE })
    expect(rehearsal.group.state).toBe('Stable')
  })

  it.each([
    ['the leader', 0, subscription],
    ['changed metadata', 1, Buffer.from([0, 0, 0, 0, 0, 0, 255, 255, 255, 255])],
  ])('statement 60: %s starts a new round', (_, index, metadata) => {
    const ids = rehearsal.stable(2)
    const parked = rehearsal.joining({ memberId: ids[index] ?? '', protocols: [{ name: 'range', metadata }] })
    expect(parked.answer).toBeUndefined()
    expect(rehearsal.group.state).toBe('PreparingRebalance')
  })
})

describe('statement 62: heartbeats and sessions', () => {
  it('statement 62: answers by state and generation', () => {
    const [leader = '', follower = ''] = rehearsal.stable(2)
    expect(rehearsal.beat(follower)).toBe('NONE')
    expect(rehearsal.beat(follower, 0)).toBe('ILLEGAL_GENERATION')
    expect(rehearsal.beat('stranger')).toBe('UNKNOWN_MEMBER_ID')
    rehearsal.joining({ memberId: leader })
    expect(rehearsal.beat(follower)).toBe('REBALANCE_IN_PROGRESS')
  })

  it('statement 62: a silent member is expelled after its session timeout, a beating one is not', () => {
    const [leader = '', silent = ''] = rehearsal.stable(2)
    for (let time = 0; time < 4; time++) {
      rehearsal.pass(4000)
      rehearsal.beat(leader)
    }
    expect(rehearsal.group.hasMemberId(silent)).toBe(false)
    expect(rehearsal.group.hasMemberId(leader)).toBe(true)
    expect(rehearsal.group.state).toBe('PreparingRebalance')
  })

  it('statement 62: a member whose JoinGroup is parked does not expire', () => {
    const [leader = '', other = ''] = rehearsal.stable(2)
    const parked = rehearsal.joining({ memberId: leader })
    for (let time = 0; time < 10; time++) {
      rehearsal.pass(5000)
      rehearsal.beat(other)
    }
    expect(parked.answer).toBeUndefined()
    expect(rehearsal.group.hasMemberId(leader)).toBe(true)
  })

  it('statement 62: a member whose SyncGroup is parked does not expire', () => {
    const slow = { rebalanceTimeoutMs: 1_000_000, sessionTimeoutMs: 1_000_000 }
    const [leader, follower] = [rehearsal.joining(slow), rehearsal.joining()]
    rehearsal.pass(6000)
    const parked = rehearsal.syncing(follower.answer?.memberId ?? '')
    rehearsal.pass(100_000)
    expect(parked.answer).toBeUndefined()
    rehearsal.syncing(leader.answer?.memberId ?? '')
    expect(parked.answer?.error).toBe(KafkaError.NONE)
  })

  it('statement 62: a first-time joiner that is parked for five minutes is told to start over', () => {
    rehearsal.stable(1, [{ rebalanceTimeoutMs: 1_000_000, sessionTimeoutMs: 1_000_000 }])
    const parked = rehearsal.joining()
    rehearsal.pass(300_000)
    expect(parked.answer?.error).toBe(KafkaError.UNKNOWN_MEMBER_ID)
  })
})

describe('statement 63: static members', () => {
  it('statement 63: a returning instance gets a new id, fences the old one and does not rebalance', () => {
    const [old = ''] = rehearsal.stable(1, [{ groupInstanceId: 'i' }])
    const back = rehearsal.joining({ groupInstanceId: 'i', memberIdRequired: true })
    expect(back.answer).toMatchObject({ error: KafkaError.NONE, generationId: 1, members: [], leader: old })
    expect(rehearsal.group.state).toBe('Stable')
    expect(rehearsal.beat(old, 1, 'i')).toBe('FENCED_INSTANCE_ID')
    expect(rehearsal.beat(back.answer?.memberId ?? '', 1, 'i')).toBe('NONE')
  })

  it('statement 63: tells a returning leader of v9 to skip the assignment', () => {
    rehearsal.stable(1, [{ groupInstanceId: 'i' }])
    const back = rehearsal.joining({ groupInstanceId: 'i', canSkipAssignment: true })
    expect(back.answer).toMatchObject({ skipAssignment: true, leader: back.answer?.memberId })
    expect(back.answer?.members).toHaveLength(1)
  })

  it('statement 63: fences a parked JoinGroup of the old id', () => {
    const first = rehearsal.joining({ groupInstanceId: 'i' })
    const second = rehearsal.joining({ groupInstanceId: 'i' })
    expect(first.answer?.error).toBe(KafkaError.FENCED_INSTANCE_ID)
    rehearsal.pass(6000)
    expect(second.answer?.members).toHaveLength(1)
  })

  it('statement 63: leaves in a batch by instance id alone', () => {
    rehearsal.stable(2, [{ groupInstanceId: 'a' }, { groupInstanceId: 'b' }])
    const codes = rehearsal.leaving({ groupInstanceId: 'a' }, { groupInstanceId: 'b' }, { groupInstanceId: 'c' })
    expect(codes).toEqual(['NONE', 'NONE', 'UNKNOWN_MEMBER_ID'])
    expect(rehearsal.group.state).toBe('Empty')
  })
})

describe('statement 64: leaving, and the size of a group', () => {
  it('statement 64: a leaving member starts a round at once', () => {
    const [leader = '', other = ''] = rehearsal.stable(2)
    expect(rehearsal.leaving({ memberId: leader })).toEqual(['NONE'])
    expect(rehearsal.beat(other)).toBe('REBALANCE_IN_PROGRESS')
    const rejoined = rehearsal.joining({ memberId: other })
    expect(rejoined.answer).toMatchObject({ generationId: 2, leader: other })
  })

  it('statement 64: the last one leaves an empty group of the next generation', () => {
    const [only = ''] = rehearsal.stable(1)
    rehearsal.leaving({ memberId: only })
    expect(rehearsal.group).toMatchObject({ state: 'Empty', generationId: 2, protocolName: null })
    expect(rehearsal.saved.at(-1)).toMatchObject({ generationId: 2, members: [] })
  })

  it('statement 64: a full group takes nobody in, but its members back', () => {
    const [leader = ''] = rehearsal.stable(2)
    rehearsal.settings.maxSize = 2
    expect(rehearsal.joining().answer?.error).toBe(KafkaError.GROUP_MAX_SIZE_REACHED)
    expect(rehearsal.joining({ memberId: leader }).answer).toBeUndefined()
  })
})
