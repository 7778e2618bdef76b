import { KafkaError } from '@keyfold/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { GroupRehearsal, subscription } from '../testing/group-rehearsal.ts'
import { Group } from './group.ts'

let rehearsal: GroupRehearsal

beforeEach(() => {
  rehearsal = new GroupRehearsal()
})

describe('statement 58: how long a round waits', () => {
  it('statement 58: an empty group waits for the initial delay, longer while members keep coming', () => {
    const first = rehearsal.joining()
    rehearsal.pass(2000)
    const second = rehearsal.joining()
    rehearsal.pass(1000)
    expect(first.answer).toBeUndefined()
    rehearsal.pass(3000)
    expect(first.answer?.generationId).toBe(1)
    expect(second.answer?.generationId).toBe(1)
  })

  it('statement 58: the initial delay ends with the rebalance timeout, however many come', () => {
    const first = rehearsal.joining({ rebalanceTimeoutMs: 7000 })
    for (let time = 0; time < 8; time++) {
      rehearsal.pass(1000)
      rehearsal.joining({ rebalanceTimeoutMs: 7000 })
    }
    expect(first.answer?.generationId).toBe(1)
  })

  it('statement 58: waits for all members and drops the dynamic ones that do not come', () => {
    const [leader = '', other = ''] = rehearsal.stable(2)
    const rejoin = rehearsal.joining({ memberId: leader })
    for (let waited = 0; waited < 60_000; waited += 5000) {
      expect(rejoin.answer).toBeUndefined()
      if (rehearsal.group.hasMemberId(other)) rehearsal.beat(other)
      rehearsal.pass(5000)
    }
    expect(rejoin.answer?.members.map(({ memberId }) => memberId)).toEqual([leader])
    expect(rehearsal.beat(other)).toBe('UNKNOWN_MEMBER_ID')
  })

  it('statement 58: keeps a static member that does not come, with its assignment', () => {
    const [leader = '', late = ''] = rehearsal.stable(2, [{}, { groupInstanceId: 'i', sessionTimeoutMs: 600_000 }])
    const rejoin = rehearsal.joining({ memberId: leader })
    rehearsal.pass(60_000)
    expect(rejoin.answer?.members.map(({ memberId }) => memberId)).toEqual([leader, late])
    expect(rehearsal.group.hasMemberId(late)).toBe(true)
  })
})

describe('statement 59: a completed round', () => {
  it('statement 59: makes the first joiner the leader; only it learns the members; the generation grows by one', () => {
    const first = rehearsal.joining()
    const second = rehearsal.joining()
    rehearsal.pass(6000)
    expect(first.answer?.members).toHaveLength(2)
    expect(second.answer).toMatchObject({ members: [], leader: first.answer?.memberId, generationId: 1 })
    expect(second.answer?.protocolName).toBe('range')
  })

  it('statement 59: votes for a protocol that all support', () => {
    const of = (...names: string[]) => names.map((name) => ({ name, metadata: subscription }))
    const first = rehearsal.joining({ protocols: of('a', 'b', 'c') })
    rehearsal.joining({ protocols: of('c', 'b') })
    rehearsal.joining({ protocols: of('c', 'b', 'a') })
    rehearsal.pass(6000)
    expect(first.answer?.protocolName).toBe('c')
  })
})

describe('statement 61: SyncGroup', () => {
  it('statement 61: followers wait for the leader, who brings everybody’s assignment', () => {
    const first = rehearsal.joining()
    const second = rehearsal.joining()
    rehearsal.pass(6000)
    const [leader = '', follower = ''] = [first.answer?.memberId, second.answer?.memberId]
    const waiting = rehearsal.syncing(follower)
    expect(waiting.answer).toBeUndefined()
    rehearsal.syncing(leader, { assignments: new Map([[follower, Buffer.from('mine')]]) })
    expect(waiting.answer?.assignment.toString()).toBe('mine')
    expect(rehearsal.syncing(follower).answer?.assignment.toString()).toBe('mine')
    expect(rehearsal.saved.at(-1)?.members.map(({ assignment }) => assignment.toString())).toEqual(['', 'mine'])
  })

  it('statement 61: refuses another generation, a running join phase and another protocol', () => {
    const [leader = '', follower = ''] = rehearsal.stable(2)
    expect(rehearsal.syncing(follower, { generationId: 0 }).answer?.error).toBe(KafkaError.ILLEGAL_GENERATION)
    expect(rehearsal.syncing(follower, { protocolName: 'x' }).answer?.error).toBe(
      KafkaError.INCONSISTENT_GROUP_PROTOCOL,
    )
    rehearsal.joining({ memberId: leader })
    expect(rehearsal.syncing(follower).answer?.error).toBe(KafkaError.REBALANCE_IN_PROGRESS)
  })

  it('statement 61: a rebalance tells those who wait for the leader to rejoin', () => {
    rehearsal.joining()
    const second = rehearsal.joining()
    rehearsal.pass(6000)
    const waiting = rehearsal.syncing(second.answer?.memberId ?? '')
    rehearsal.joining()
    expect(waiting.answer?.error).toBe(KafkaError.REBALANCE_IN_PROGRESS)
  })

  it('statement 61: expels members that never sync', () => {
    const first = rehearsal.joining({ sessionTimeoutMs: 100_000 })
    rehearsal.joining({ sessionTimeoutMs: 100_000 })
    rehearsal.pass(6000)
    rehearsal.syncing(first.answer?.memberId ?? '')
    rehearsal.pass(60_000)
    expect(rehearsal.group.state).toBe('PreparingRebalance')
    expect([...rehearsal.group.members.keys()]).toEqual([first.answer?.memberId])
  })
})

it('restores a group as the journal has it', () => {
  const ids = rehearsal.stable(2)
  const restored = new Group('g', 0)
  const facts = rehearsal.saved.at(-1)
  expect(facts).toBeDefined()
  if (facts !== undefined) restored.restore(facts)
  expect(restored).toMatchObject({ state: 'Stable', generationId: 1, leaderId: ids[0], protocolName: 'range' })
})
