import { MemoryFiles } from '@keyfold/storage'
import { describe, expect, it } from 'vitest'
import type { Broker } from './broker.ts'
import type { JoinAnswer } from './group-coordinator/member.ts'
import type { OffsetEntry } from './group-coordinator/offsets.ts'
import { ConsumerGroupRehearsal } from './testing/consumer-group-rehearsal.ts'
import { BrokerRehearsal, HandClock } from './testing/broker-rehearsal.ts'
import { subscription } from './testing/group-rehearsal.ts'

const noMember = { memberId: '', groupInstanceId: null, generationId: -1 }

function entry(partition: number, offset: number, overrides: Partial<OffsetEntry> = {}): OffsetEntry {
  const rest = { leaderEpoch: -1, metadata: null, timestampMs: 1_700_000_000_000, expireTimestampMs: -1 }
  return { topic: 't', partition, offset, ...rest, ...overrides }
}

async function commit(broker: Broker, groupId: string, ...entries: OffsetEntry[]): Promise<void> {
  const check = { groupId, ...noMember, isTransactional: false, answersUnknownGroup: false, partitions: () => [] }
  expect(broker.groups.checkCommit(check).name).toBe('NONE')
  await broker.storage.durable(broker.groups.commit(groupId, entries))
}

function createTopic(broker: Broker, name: string, partitionCount = 1): Promise<void> {
  return broker.storage.durable(broker.catalog.create({ name, partitionCount, configs: new Map() }))
}

/** One member that joins and brings an assignment for itself; resolves once the group is stable. */
async function joinAlone(
  { broker, pass }: { broker: Broker; pass: () => void },
  groupId: string,
  protocols = [{ name: 'range', metadata: subscription }],
): Promise<JoinAnswer> {
  const joined = new Promise<JoinAnswer>((resolve) => {
    const request = { groupId, memberId: '', groupInstanceId: null, clientId: 'c', clientHost: '/h' }
    const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 }
    const protocol = { protocolType: 'consumer', protocols }
    broker.groups.join(
      { ...request, ...times, ...protocol, memberIdRequired: false, canSkipAssignment: false },
      resolve,
    )
  })
  pass()
  const answer = await joined
  const { memberId, generationId } = answer
  const member = { groupId, memberId, groupInstanceId: null, generationId, protocolType: null, protocolName: null }
  const assignments = new Map([[memberId, Buffer.from('mine')]])
  await new Promise((resolve) => {
    broker.groups.sync({ ...member, assignments }, resolve)
  })
  return answer
}

/** Everything that clients may rely on after a restart. */
function visible({ catalog, offsets, groups, config }: Broker) {
  return {
    clusterId: catalog.clusterId,
    topics: catalog.all().map(({ configs, ...topic }) => ({ ...topic, configs: [...configs] })),
    offsets: offsets.groupIds().map((groupId) => [groupId, offsets.ofGroup(groupId)]),
    groups: groups.all().map((group) => ({ ...group.facts(), state: group.state, members: [...group.members.keys()] })),
    retentionMs: config.text('log.retention.ms'),
  }
}

async function fill(rehearsal: BrokerRehearsal): Promise<void> {
  const { broker } = rehearsal
  const { catalog, storage } = broker
  await createTopic(broker, 't', 2)
  await createTopic(broker, 'gone')
  const topic = catalog.get('t')
  const gone = catalog.get('gone')
  if (topic === undefined || gone === undefined) throw new Error('two topics expected')
  await storage.durable(catalog.addPartitions(topic, 4))
  await storage.durable(catalog.setConfigs(topic, new Map([['retention.ms', '-1']])))
  await storage.durable(catalog.setBrokerConfigs(new Map([['log.retention.ms', '5']])))
  await commit(broker, 'simple', entry(0, 5), entry(1, 6, { metadata: 'note' }), entry(0, 1, { topic: 'gone' }))
  await commit(broker, 'forgotten', entry(0, 1))
  await storage.durable(broker.groups.delete('forgotten').lsn)
  await storage.durable(catalog.delete(gone))
  await joinAlone({ broker, pass: () => rehearsal.pass(0) }, 'active')
}

describe('after a restart', () => {
  it.each<[string, (files: MemoryFiles, broker: Broker) => Promise<MemoryFiles>]>([
    ['with a checkpoint', async (files, broker) => (await broker.close(), files)],
    ['after a kill', async (files) => Promise.resolve(files.kill())],
    ['after a power cut', async (files) => Promise.resolve(files.crash('drop'))],
  ])('topics, settings, offsets and groups are as before: %s', async (_, end) => {
    const files = new MemoryFiles()
    const rehearsal = await BrokerRehearsal.open(files)
    await fill(rehearsal)
    const before = visible(rehearsal.broker)
    expect(before.topics).toMatchObject([{ name: 't', partitionCount: 4, configs: [['retention.ms', '-1']] }])
    expect(before.groups).toMatchObject([{ groupId: 'simple' }, { groupId: 'active', state: 'Stable' }])
    const { broker } = await BrokerRehearsal.open(await end(files, rehearsal.broker))
    const byId = <T extends { groupId: string }>(groups: T[]) => new Map(groups.map((group) => [group.groupId, group]))
    const after = visible(broker)
    expect({ ...after, groups: byId(after.groups) }).toEqual({ ...before, groups: byId(before.groups) })
    expect(broker.partitions.ofTopic('t')).toHaveLength(4)
    await broker.close()
  })

  it('a power cut at any moment loses nothing that was acknowledged', async () => {
    for (let operations = 1; operations < 40; operations += 2) {
      const files = new MemoryFiles()
      const { broker } = await BrokerRehearsal.open(files)
      let acknowledged = 0
      files.stopAfter(operations)
      try {
        await createTopic(broker, 't')
        for (let offset = 1; offset <= 20; offset++) {
          await commit(broker, 'g', entry(0, offset))
          acknowledged = offset
        }
      } catch {
        // The disk is gone: what was not acknowledged may be lost.
      }
      const reopened = await BrokerRehearsal.open(files.crash('drop'))
      const found = reopened.broker.offsets.get('g', { topic: 't', partition: 0 })?.offset ?? 0
      expect(found, `after ${operations} operations`).toBeGreaterThanOrEqual(acknowledged)
      await reopened.broker.close()
    }
  })

  it('statement 62: a member that stays silent is expelled, one that goes on keeps its assignment', async () => {
    const files = new MemoryFiles()
    const clock = new HandClock()
    const before = await BrokerRehearsal.open(files, {}, clock)
    const { memberId, generationId } = await joinAlone({ broker: before.broker, pass: () => before.pass(0) }, 'live')
    await joinAlone({ broker: before.broker, pass: () => before.pass(0) }, 'silent')
    const after = await BrokerRehearsal.open(files.kill(), {}, clock)
    const { groups } = after.broker
    const beat = () => groups.heartbeat({ groupId: 'live', memberId, groupInstanceId: null, generationId }).name
    for (let time = 0; time < 4; time++) {
      after.pass(4000)
      expect(beat()).toBe('NONE')
    }
    expect(groups.get('live')?.members.get(memberId)?.assignment.toString()).toBe('mine')
    expect(groups.get('silent')?.state).toBe('Empty')
    await after.broker.close()
  })
})

it('statement 60: after a restart a member is known by all the protocols it offers, unlike in Kafka', async () => {
  const files = new MemoryFiles()
  const rehearsal = await BrokerRehearsal.open(files)
  const offered = ['range', 'sticky'].map((name) => ({ name, metadata: subscription }))
  const { memberId } = await joinAlone({ broker: rehearsal.broker, pass: () => rehearsal.pass(0) }, 'g', offered)
  const { broker } = await BrokerRehearsal.open(files.kill())
  expect(broker.groups.get('g')?.members.get(memberId)?.protocols).toEqual(offered)
  await broker.close()
})

it('statement 57: whoever comes first makes the group, which a restart in its first round leaves empty', async () => {
  const files = new MemoryFiles()
  const { broker } = await BrokerRehearsal.open(files)
  const request = { groupId: 'new', memberId: '', groupInstanceId: null, clientId: 'c', clientHost: '/h' }
  const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 }
  const protocol = { protocolType: 'consumer', protocols: [{ name: 'range', metadata: subscription }] }
  broker.groups.join({ ...request, ...times, ...protocol, memberIdRequired: true, canSkipAssignment: false }, () => {})
  await broker.storage.durable(broker.storage.lastLsn)
  const after = await BrokerRehearsal.open(files.kill())
  expect(after.broker.groups.get('new')).toMatchObject({ state: 'Empty', generationId: 0, protocolType: null })
  await after.broker.close()
})

it('statement 62: a commit of offsets is a sign of life', async () => {
  const rehearsal = await BrokerRehearsal.open(new MemoryFiles())
  const { groups } = rehearsal.broker
  const { memberId, generationId } = await joinAlone(
    { broker: rehearsal.broker, pass: () => rehearsal.pass(0) },
    'live',
  )
  const commit = { groupId: 'live', memberId, groupInstanceId: null, generationId, partitions: () => [] }
  for (let time = 0; time < 4; time++) {
    rehearsal.pass(6000)
    expect(groups.checkCommit({ ...commit, isTransactional: false, answersUnknownGroup: true }).name).toBe('NONE')
  }
  rehearsal.pass(10_000)
  expect(groups.get('live')?.state).toBe('Empty')
  await rehearsal.broker.close()
})

describe('statement 67: offsets expire', () => {
  const day = 86_400_000
  const config = { 'offsets.retention.minutes': 2 * 24 * 60 }

  it('statement 67: from the commit for simple consumers, from becoming empty for groups; then the group is gone', async () => {
    const rehearsal = await BrokerRehearsal.open(new MemoryFiles(), config)
    const { broker } = rehearsal
    await createTopic(broker, 't')
    await commit(broker, 'simple', entry(0, 1))
    const { memberId } = await joinAlone({ broker, pass: () => rehearsal.pass(0) }, 'used')
    await broker.storage.durable(broker.groups.commit('used', [entry(0, 7)]))
    rehearsal.pass(9000)
    broker.groups.leave('used', [{ memberId, groupInstanceId: null }])
    rehearsal.pass(2 * day - 9000 + 300_000)
    expect(broker.groups.get('simple')).toBeUndefined()
    expect(broker.offsets.has('simple')).toBe(false)
    expect(broker.offsets.get('used', { topic: 't', partition: 0 })?.offset).toBe(7)
    rehearsal.pass(600_000)
    expect(broker.groups.get('used')).toBeUndefined()
    await broker.close()
  })

  it('statement 67: of an old client after the time it asked for; of a group in use only where nobody subscribes', async () => {
    const rehearsal = await BrokerRehearsal.open(new MemoryFiles(), config)
    const { broker } = rehearsal
    await createTopic(broker, 't')
    await commit(broker, 'old', entry(0, 1, { expireTimestampMs: 1_700_000_000_000 + 1000 }))
    await joinAlone({ broker, pass: () => rehearsal.pass(0) }, 'used')
    await broker.storage.durable(broker.groups.commit('used', [entry(0, 7), entry(0, 8, { topic: 'other' })]))
    broker.groups.expireOffsets()
    rehearsal.pass(2000)
    broker.groups.expireOffsets()
    expect(broker.groups.get('old')).toBeUndefined()
    const far = { ...entry(0, 8, { topic: 'other' }), timestampMs: 1_700_000_000_000 - 3 * day }
    await broker.storage.durable(broker.groups.commit('used', [far, { ...entry(0, 7), timestampMs: far.timestampMs }]))
    broker.groups.expireOffsets()
    expect(broker.offsets.ofGroup('used').map(({ topic }) => topic)).toEqual(['t'])
    await broker.close()
  })

  it('statement 67: the moment a group became empty outlives a restart', async () => {
    const files = new MemoryFiles()
    const clock = new HandClock()
    const before = await BrokerRehearsal.open(files, config, clock)
    await createTopic(before.broker, 't')
    const { memberId } = await joinAlone({ broker: before.broker, pass: () => before.pass(0) }, 'used')
    before.broker.groups.commit('used', [entry(0, 7)])
    before.pass(9000)
    before.broker.groups.leave('used', [{ memberId, groupInstanceId: null }])
    await before.broker.storage.durable(before.broker.storage.lastLsn)
    clock.pass(day)
    const after = await BrokerRehearsal.open(files.kill(), config, clock)
    clock.pass(day - 1)
    after.broker.groups.expireOffsets()
    expect(after.broker.offsets.has('used')).toBe(true)
    clock.pass(1)
    after.broker.groups.expireOffsets()
    expect(after.broker.groups.get('used')).toBeUndefined()
    await after.broker.close()
  })

  it('statement 67: of a group of the consumer protocol in topics that nobody subscribes to, from the commit', async () => {
    const group = await ConsumerGroupRehearsal.open(config)
    group.createTopic('t', 1)
    group.createTopic('other', 1)
    group.join('m')
    group.broker.groups.commit('g', [entry(0, 7), entry(0, 8, { topic: 'other' })])
    for (let time = 0; time < 2 * day; time += 40_000) {
      group.pass(40_000)
      group.beat('m')
    }
    group.broker.groups.expireOffsets()
    expect(group.broker.offsets.ofGroup('g').map(({ topic }) => topic)).toEqual(['t'])
    group.beat('m', { memberEpoch: -1 })
    group.broker.groups.expireOffsets()
    expect(group.state()).toBe('none')
    await group.broker.close()
  })
})
