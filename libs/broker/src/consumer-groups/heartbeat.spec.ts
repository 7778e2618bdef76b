import { beforeEach, describe, expect, it } from 'vitest'
import { ConsumerGroupRehearsal } from '../testing/consumer-group-rehearsal.ts'

let group: ConsumerGroupRehearsal

beforeEach(async () => {
  group = await ConsumerGroupRehearsal.open()
  group.createTopic('t', 4)
})

/** Two members that share topic t, reconciled. */
function twoMembers(): void {
  group.join('a')
  group.join('b')
  group.beat('a')
  group.beat('a', { owned: { t: [0, 1] } })
  group.beat('b')
  expect(group.state()).toBe('Stable 3/3')
}

describe('statement 71: joining and leaving', () => {
  it('statement 71: epoch 0 joins, and the answer has the epoch and what the member may use', () => {
    expect(group.join('a')).toEqual({ error: 'NONE', epoch: 2, assigned: { t: [0, 1, 2, 3] } })
    expect(group.state()).toBe('Stable 2/2')
    expect(group.beat('a')).toEqual({ error: 'NONE', epoch: 2 })
  })

  it.each([
    ['no rebalance timeout', { rebalanceTimeoutMs: -1 }],
    ['no subscription', { subscribedTopicNames: null }],
    ['partitions it cannot have', { owned: { t: [0] } }],
    ['no member id', { memberId: '' }],
    ['no group id', { groupId: '' }],
    ['an empty instance id', { instanceId: '' }],
    ['an empty rack id', { rackId: '' }],
    ['an epoch that does not exist', { memberEpoch: -3 }],
    ['an epoch for static members only', { memberEpoch: -2 }],
  ])('statement 71: refuses a member that brings %s', (_, saying) => {
    expect(group.join('a', saying)).toEqual({ error: 'INVALID_REQUEST' })
    expect(group.state()).toBe('none')
  })

  it('statement 71: version 0 gives ids to members that bring none', () => {
    expect(group.join('', { mustBringMemberId: false })).toMatchObject({ error: 'NONE', epoch: 2 })
    expect([...(group.broker.consumerGroups.get('g')?.members.keys() ?? [])][0]).toHaveLength(22)
  })

  it('statement 71: epoch -1 leaves, and the others are led to what becomes free', () => {
    twoMembers()
    expect(group.beat('a', { memberEpoch: -1 })).toEqual({ error: 'NONE', epoch: -1 })
    expect(group.state()).toBe('Assigning 4/3')
    expect(group.beat('b')).toEqual({ error: 'NONE', epoch: 4, assigned: { t: [0, 1, 2, 3] } })
    group.beat('b', { memberEpoch: -1 })
    expect(group.state()).toBe('Empty 5/4')
  })

  it('statement 71: a static member that leaves with -2 keeps its place for whoever comes back in its name', () => {
    twoMembers()
    group.join('s', { groupId: 's', instanceId: 'i' })
    group.join('d', { groupId: 's' })
    group.beat('s', { groupId: 's', instanceId: 'i', owned: { t: [0, 1] } })
    expect(group.beat('s', { groupId: 's', instanceId: 'i', memberEpoch: -2 })).toEqual({ error: 'NONE', epoch: -2 })
    expect(group.state('s')).toBe('Reconciling 3/3')
    const back = group.join('s2', { groupId: 's', instanceId: 'i' })
    expect(back).toEqual({ error: 'NONE', epoch: 3, assigned: { t: [0, 1] } })
    expect(group.beat('s', { groupId: 's', instanceId: 'i', memberEpoch: 3 })).toEqual({ error: 'FENCED_INSTANCE_ID' })
    expect(group.beat('s', { groupId: 's', memberEpoch: 3 })).toEqual({ error: 'UNKNOWN_MEMBER_ID' })
  })

  it('statement 71: a static member that stays away longer than its session is gone', () => {
    group.join('s', { instanceId: 'i' })
    group.beat('s', { instanceId: 'i', memberEpoch: -2 })
    group.pass(45_000)
    expect(group.state()).toBe('Empty 3/2')
  })

  it('statement 71: a full group takes nobody in (GROUP_MAX_SIZE_REACHED), but its members go on', async () => {
    group = await ConsumerGroupRehearsal.open({ 'group.consumer.max.size': 1 })
    group.join('a')
    expect(group.join('b')).toEqual({ error: 'GROUP_MAX_SIZE_REACHED' })
    expect(group.beat('a').error).toBe('NONE')
  })
})

describe('statement 72: epochs and names', () => {
  it('statement 72: an epoch that is greater, or smaller, is fenced', () => {
    group.join('a')
    expect(group.beat('a', { memberEpoch: 3 })).toEqual({ error: 'FENCED_MEMBER_EPOCH' })
    expect(group.beat('a', { memberEpoch: 1, owned: {} })).toEqual({ error: 'FENCED_MEMBER_EPOCH' })
  })

  it('statement 72: the epoch before is accepted from a member that owns no more than it has', () => {
    twoMembers()
    expect(group.beat('a', { memberEpoch: 2, owned: { t: [0] } })).toEqual({ error: 'NONE', epoch: 3 })
    expect(group.beat('a', { memberEpoch: 2, owned: { t: [0, 2] } })).toEqual({ error: 'FENCED_MEMBER_EPOCH' })
    expect(group.beat('a', { memberEpoch: 2 })).toEqual({ error: 'FENCED_MEMBER_EPOCH' })
  })

  it('statement 72: a member that joins once more keeps its place', () => {
    twoMembers()
    expect(group.join('a')).toEqual({ error: 'NONE', epoch: 3, assigned: { t: [0, 1] } })
  })

  it('statement 72: unknown groups, members and instances have errors of their own', () => {
    expect(group.beat('a')).toEqual({ error: 'GROUP_ID_NOT_FOUND' })
    expect(group.beat('a', { memberEpoch: -1 })).toEqual({ error: 'GROUP_ID_NOT_FOUND' })
    group.join('a')
    expect(group.beat('x')).toEqual({ error: 'UNKNOWN_MEMBER_ID' })
    expect(group.beat('x', { memberEpoch: -1 })).toEqual({ error: 'UNKNOWN_MEMBER_ID' })
    expect(group.beat('a', { instanceId: 'i' })).toEqual({ error: 'UNKNOWN_MEMBER_ID' })
  })

  it('statement 72: an unknown assignor is refused, a live instance id is not given away', () => {
    expect(group.join('a', { serverAssignor: 'sticky' })).toEqual({ error: 'UNSUPPORTED_ASSIGNOR' })
    group.join('a', { instanceId: 'i' })
    expect(group.join('b', { instanceId: 'i' })).toEqual({ error: 'UNRELEASED_INSTANCE_ID' })
  })
})

describe('statement 73: partitions change hands', () => {
  it('statement 73: only after the former owner has confirmed, and nobody has a partition twice', () => {
    group.join('a')
    expect(group.join('b')).toEqual({ error: 'NONE', epoch: 3, assigned: {} })
    expect(group.beat('a')).toEqual({ error: 'NONE', epoch: 2, assigned: { t: [0, 1] } })
    expect(group.beat('b')).toEqual({ error: 'NONE', epoch: 3 })
    expect(group.beat('a', { owned: { t: [0, 1, 2] } })).toEqual({ error: 'NONE', epoch: 2 })
    expect(group.state()).toBe('Reconciling 3/3')
    expect(group.beat('a', { owned: { t: [0, 1] } })).toEqual({ error: 'NONE', epoch: 3 })
    expect(group.beat('b')).toEqual({ error: 'NONE', epoch: 3, assigned: { t: [2, 3] } })
    expect(group.state()).toBe('Stable 3/3')
  })

  it('statement 73: or was expelled because it did not confirm in its rebalance timeout', () => {
    group.join('a', { rebalanceTimeoutMs: 10_000 })
    group.join('b')
    group.beat('a')
    for (let waited = 0; waited < 9000; waited += 3000) {
      group.pass(3000)
      expect(group.beat('a').error).toBe('NONE')
    }
    group.pass(1000)
    expect(group.beat('a', { memberEpoch: 2 })).toEqual({ error: 'UNKNOWN_MEMBER_ID' })
    expect(group.beat('b')).toEqual({ error: 'NONE', epoch: 4, assigned: { t: [0, 1, 2, 3] } })
  })

  it('statement 73: the assignment is told when it changes, or when the member says everything', () => {
    group.join('a')
    expect(group.beat('a').assigned).toBeUndefined()
    const everything = { rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['t'], owned: { t: [0] } }
    expect(group.beat('a', everything).assigned).toEqual({ t: [0, 1, 2, 3] })
  })

  it('statement 73: a change of subscription takes the member’s topics with it', () => {
    group.createTopic('u', 2)
    group.join('a')
    expect(group.beat('a', { subscribedTopicNames: ['u'] })).toEqual({ error: 'NONE', epoch: 2, assigned: {} })
    expect(group.beat('a', { owned: {} })).toEqual({ error: 'NONE', epoch: 3, assigned: { u: [0, 1] } })
  })
})

describe('statement 74: times and assignors', () => {
  it('statement 74: a member may be silent for 45 seconds', () => {
    group.join('a')
    group.pass(44_000)
    expect(group.beat('a').error).toBe('NONE')
    group.pass(44_999)
    expect(group.state()).toBe('Stable 2/2')
    group.pass(1)
    expect(group.state()).toBe('Empty 3/2')
  })

  it('statement 74: a group may have a session timeout of its own', () => {
    group.broker.groupSettings.set('g', new Map([['consumer.session.timeout.ms', '60000']]))
    group.join('a')
    group.pass(59_999)
    expect(group.state()).toBe('Stable 2/2')
    group.pass(1)
    expect(group.state()).toBe('Empty 3/2')
  })

  it('statement 74: a target is computed by the heartbeat that makes it necessary, not at intervals as in Kafka', () => {
    const all = { subscribedTopicNames: ['t'] }
    expect(group.join('a', all)).toMatchObject({ epoch: 2 })
    expect(group.join('b', all)).toMatchObject({ epoch: 3 })
    // No time has passed.
    expect(group.beat('a').assigned).toEqual({ t: [0, 1] })
  })

  it('statement 74: the assignor that most members ask for is used', () => {
    group.createTopic('u', 1)
    const subscribedTopicNames = ['t', 'u']
    group.join('a', { subscribedTopicNames, serverAssignor: 'range' })
    group.join('b', { subscribedTopicNames })
    group.join('c', { subscribedTopicNames, serverAssignor: 'range' })
    expect(group.beat('a').assigned).toEqual({ t: [0, 1], u: [0] })
  })
})

describe('statement 75: regular expressions', () => {
  it('statement 75: subscribe to every topic whose whole name matches, also together with names', () => {
    group.createTopic('orders-1', 1)
    group.createTopic('my-orders-2', 1)
    expect(group.join('a', { subscribedTopicRegex: 'orders-.*' }).assigned).toEqual({ 'orders-1': [0] })
    const both = { groupId: 'both', subscribedTopicRegex: 'orders-[0-9]+', subscribedTopicNames: ['my-orders-2'] }
    expect(group.join('a', both).assigned).toEqual({ 'my-orders-2': [0], 'orders-1': [0] })
  })

  it.each(['[', '(?!x)y', '((a{1000}){1000}){1000}', '(a)\\1', 'x'.repeat(5000), '.{1000}'.repeat(9)])(
    'statement 75: refuses what RE2 does not know or is too large: %#',
    (subscribedTopicRegex) => {
      expect(group.join('a', { subscribedTopicRegex })).toEqual({ error: 'INVALID_REGULAR_EXPRESSION' })
    },
  )

  it('statement 75: a pattern that is slow elsewhere is not here', () => {
    group.createTopic('a'.repeat(240), 1)
    expect(group.join('m', { subscribedTopicRegex: '(a+)+b' })).toEqual({ error: 'NONE', epoch: 2, assigned: {} })
  })
})

describe('statement 76: topics and the other protocol', () => {
  it('statement 76: new partitions and new topics reach the members without their doing', () => {
    group.join('a', { subscribedTopicNames: ['t', 'later'] })
    const topic = group.broker.catalog.get('t')
    if (topic !== undefined) group.broker.catalog.addPartitions(topic, 5)
    expect(group.beat('a')).toEqual({ error: 'NONE', epoch: 3, assigned: { t: [0, 1, 2, 3, 4] } })
    group.createTopic('later', 1)
    expect(group.beat('a')).toMatchObject({ epoch: 4, assigned: { later: [0] } })
    group.createTopic('unrelated', 1)
    expect(group.beat('a')).toEqual({ error: 'NONE', epoch: 4 })
  })

  it('statement 76: topics that grow after somebody has left, and before anybody has beaten, are an epoch of their own', () => {
    twoMembers()
    group.beat('a', { memberEpoch: -1 })
    expect(group.state()).toBe('Assigning 4/3')
    const topic = group.broker.catalog.get('t')
    if (topic !== undefined) group.broker.catalog.addPartitions(topic, 5)
    expect(group.beat('b')).toEqual({ error: 'NONE', epoch: 5, assigned: { t: [0, 1, 2, 3, 4] } })
  })

  it('statement 76: topics that grow before somebody leaves share the epoch of that', async () => {
    twoMembers()
    const topic = group.broker.catalog.get('t')
    if (topic !== undefined) group.broker.catalog.addPartitions(topic, 5)
    group.beat('a', { memberEpoch: -1 })
    group = await group.restarted()
    expect(group.beat('b')).toEqual({ error: 'NONE', epoch: 4, assigned: { t: [0, 1, 2, 3, 4] } })
  })

  it('statement 76: a topic that matches a pattern is joined, one that is deleted is left', () => {
    group.join('a', { subscribedTopicRegex: 't.*' })
    group.createTopic('tt', 1)
    expect(group.beat('a')).toMatchObject({ epoch: 3, assigned: { t: [0, 1, 2, 3], tt: [0] } })
    const topic = group.broker.catalog.get('t')
    if (topic !== undefined) group.broker.catalog.delete(topic)
    expect(group.beat('a')).toEqual({ error: 'NONE', epoch: 3, assigned: { tt: [0] } })
    expect(group.beat('a', { owned: { tt: [0] } })).toEqual({ error: 'NONE', epoch: 4 })
  })
})

describe('after a restart', () => {
  it('statement 73: epochs, targets and partitions on their way are as before', async () => {
    group.join('a', { rebalanceTimeoutMs: 10_000 })
    group.join('b')
    group.beat('a')
    const before = group.broker.consumerGroups.get('g')?.facts()
    const after = await group.restarted()
    expect(after.broker.consumerGroups.get('g')?.facts()).toEqual(before)
    expect(after.beat('b')).toEqual({ error: 'NONE', epoch: 3 })
    expect(after.beat('a', { owned: { t: [0, 1] } })).toEqual({ error: 'NONE', epoch: 3 })
    expect(after.beat('b')).toEqual({ error: 'NONE', epoch: 3, assigned: { t: [2, 3] } })
    await after.broker.close()
    const again = await after.restarted()
    expect(again.state()).toBe('Stable 3/3')
    await again.broker.close()
  })

  it('statement 74: sessions and rebalance timeouts begin anew, group settings stay', async () => {
    group.broker.groupSettings.set('g', new Map([['consumer.session.timeout.ms', '60000']]))
    group.join('a', { rebalanceTimeoutMs: 10_000 })
    group.join('b')
    group.beat('a')
    const after = await group.restarted()
    after.pass(10_000)
    expect([...(after.broker.consumerGroups.get('g')?.members.keys() ?? [])]).toEqual(['b'])
    after.pass(49_999)
    expect(after.broker.consumerGroups.get('g')?.members.size).toBe(1)
    after.pass(1)
    expect(after.broker.consumerGroups.get('g')?.members.size).toBe(0)
    await after.broker.close()
  })
})
