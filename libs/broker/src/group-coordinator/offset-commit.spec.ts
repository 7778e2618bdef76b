import { beforeEach, describe, expect, it } from 'vitest'
import { GroupRehearsal } from '../testing/group-rehearsal.ts'
import { type CommitRequest, validateCommit } from './offset-commit.ts'

let rehearsal: GroupRehearsal

beforeEach(() => {
  rehearsal = new GroupRehearsal()
})

describe('statement 65: who may commit offsets', () => {
  const nobody = { groupId: 'g', memberId: '', groupInstanceId: null, generationId: -1, partitions: () => [] }
  const check = (overrides: Partial<CommitRequest>) =>
    validateCommit(rehearsal.group, { ...nobody, isTransactional: false, answersUnknownGroup: false, ...overrides })
      .name

  it('statement 65: anybody while the group is empty; in a group in use its members only', () => {
    expect(check({})).toBe('NONE')
    const [leader = ''] = rehearsal.stable(1)
    expect(check({})).toBe('UNKNOWN_MEMBER_ID')
    expect(check({ memberId: leader, generationId: 1 })).toBe('NONE')
    expect(check({ memberId: leader, generationId: 0 })).toBe('ILLEGAL_GENERATION')
    expect(check({ memberId: 'stranger', generationId: 1 })).toBe('UNKNOWN_MEMBER_ID')
  })

  it('statement 65: nobody between join and sync, everybody during the join phase', () => {
    const first = rehearsal.joining()
    rehearsal.pass(3000)
    const memberId = first.answer?.memberId ?? ''
    expect(check({ memberId, generationId: 1 })).toBe('REBALANCE_IN_PROGRESS')
    rehearsal.syncing(memberId)
    rehearsal.joining()
    expect(rehearsal.group.state).toBe('PreparingRebalance')
    expect(check({ memberId, generationId: 1 })).toBe('NONE')
  })

  it('statement 34: a transaction of an old client may commit in any state, one that names its member is checked', () => {
    const [leader = ''] = rehearsal.stable(1)
    expect(check({ isTransactional: true })).toBe('NONE')
    expect(check({ isTransactional: true, memberId: leader, generationId: 0 })).toBe('ILLEGAL_GENERATION')
    expect(check({ isTransactional: true, memberId: 'x', generationId: 1 })).toBe('UNKNOWN_MEMBER_ID')
  })
})
