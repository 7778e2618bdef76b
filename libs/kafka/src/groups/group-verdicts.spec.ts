import { describe, expect, it } from 'vitest'
import { groupVerdict } from './group-verdicts.ts'

describe("a member's view of its coordinator's answers", () => {
  it('keeps its id through a rebalance, and takes a new one when it was forgotten', () => {
    expect(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'MEMBER_ID_REQUIRED'].map(groupVerdict)).toEqual(
      Array(3).fill('rejoin'),
    )
    expect(['UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'].map(groupVerdict)).toEqual(['joinAnew', 'joinAnew'])
  })

  it('goes on trying while a coordinator loads its state or moves', () => {
    const passing = ['COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE']
    expect(passing.map(groupVerdict)).toEqual(['again', 'again', 'again'])
  })

  it('speaks up about what no repetition mends', () => {
    expect(groupVerdict('GROUP_AUTHORIZATION_FAILED')).toBe('fail')
    expect(groupVerdict('INCONSISTENT_GROUP_PROTOCOL')).toBe('fail')
    expect(groupVerdict('NONE')).toBe('stay')
  })
})
