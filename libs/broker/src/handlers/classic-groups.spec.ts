import {
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  KafkaError,
  LeaveGroup,
  type RequestInput,
  SyncGroup,
} from '@keyfold/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { subscription } from '../testing/group-rehearsal.ts'
import { WireClient } from '../testing/wire-client.ts'

let broker: RunningBroker
let client: WireClient

beforeAll(async () => {
  broker = await startBroker({ memory: true, config: { 'group.initial.rebalance.delay.ms': 0, 'group.max.size': 3 } })
  client = new WireClient(broker)
})

afterAll(async () => {
  client.close()
  await broker.close()
})

function nameOf(code: number | undefined): string {
  return Object.values(KafkaError).find((error) => error.code === code)?.name ?? `${code}`
}

function join(version: number, groupId: string, rest: Partial<RequestInput<typeof JoinGroup>> = {}, from = client) {
  return from.call(JoinGroup, version, {
    groupId,
    memberId: '',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription }],
    ...rest,
  })
}

describe('statement 56: what a JoinGroup has to bring, on the wire', () => {
  it.each<[string, Partial<RequestInput<typeof JoinGroup>>]>([
    ['INVALID_SESSION_TIMEOUT', { sessionTimeoutMs: 5999 }],
    ['INVALID_SESSION_TIMEOUT', { sessionTimeoutMs: 1_800_001 }],
    ['INVALID_GROUP_ID', { groupId: '' }],
    ['UNKNOWN_MEMBER_ID', { groupId: 'unknown', memberId: 'm' }],
    ['INCONSISTENT_GROUP_PROTOCOL', { protocols: [] }],
  ])('statement 56: answers %s', async (name, rest) => {
    expect(nameOf((await join(5, 'bad', rest)).errorCode)).toBe(name)
  })
})

it('statement 57: version 4 asks a newcomer to come back with the id it is given, version 3 does not', async () => {
  const first = await join(4, 'handshake')
  expect(nameOf(first.errorCode)).toBe('MEMBER_ID_REQUIRED')
  expect(first.memberId).toMatch(/^wire-/)
  const second = await join(4, 'handshake', { memberId: first.memberId })
  expect(second).toMatchObject({ errorCode: 0, memberId: first.memberId, generationId: 1, leader: first.memberId })
  expect((await join(3, 'old')).errorCode).toBe(0)
})

it('statement 61: version 5 is told when it means another protocol than the group’s', async () => {
  const { memberId, generationId, protocolType, protocolName } = await join(7, 'named', { groupInstanceId: 'i' })
  expect([protocolType, protocolName]).toEqual(['consumer', 'range'])
  const sync = { groupId: 'named', memberId, generationId, groupInstanceId: 'i', assignments: [] }
  const wrong = await client.call(SyncGroup, 5, { ...sync, protocolType: 'consumer', protocolName: 'sticky' })
  expect(nameOf(wrong.errorCode)).toBe('INCONSISTENT_GROUP_PROTOCOL')
  const right = await client.call(SyncGroup, 5, { ...sync, protocolType, protocolName })
  expect(right).toMatchObject({ errorCode: 0, protocolType: 'consumer', protocolName: 'range' })
})

it('statement 63: a static leader that is back must not assign again (v9), and is fenced under its old id', async () => {
  const first = await join(9, 'static', { groupInstanceId: 'i' })
  const { memberId, generationId } = first
  const assignments = [{ memberId, assignment: Buffer.from('mine') }]
  await client.call(SyncGroup, 5, { groupId: 'static', memberId, generationId, groupInstanceId: 'i', assignments })
  const back = await join(9, 'static', { groupInstanceId: 'i' })
  expect(back).toMatchObject({ errorCode: 0, generationId, skipAssignment: true, leader: back.memberId })
  const beat = { groupId: 'static', generationId, groupInstanceId: 'i' }
  expect(nameOf((await client.call(Heartbeat, 4, { ...beat, memberId })).errorCode)).toBe('FENCED_INSTANCE_ID')
  const again = { groupId: 'static', memberId: back.memberId, generationId, groupInstanceId: 'i', assignments: [] }
  expect((await client.call(SyncGroup, 5, again)).assignment.toString()).toBe('mine')
  const leave = { groupId: 'static', members: [{ memberId: '', groupInstanceId: 'i' }] }
  expect((await client.call(LeaveGroup, 3, leave)).members).toMatchObject([{ groupInstanceId: 'i', errorCode: 0 }])
})

it('statement 64: a group takes no more than group.max.size members', async () => {
  expect((await join(3, 'full')).errorCode).toBe(0)
  // The rebalance that these four begin waits for the first member. Three of them wait with it, in whatever order
  // they came; the fourth is refused at once.
  const newcomers = [1, 2, 3, 4].map(() => new WireClient(broker))
  const first = await Promise.race(newcomers.map((from) => join(3, 'full', {}, from)))
  for (const newcomer of newcomers) newcomer.close()
  expect(nameOf(first.errorCode)).toBe('GROUP_MAX_SIZE_REACHED')
})

describe('statement 69: FindCoordinator', () => {
  it('statement 69: names this node for groups and transactions at once, one key or several', async () => {
    const here = { errorCode: 0, nodeId: 1, host: broker.host, port: broker.port }
    expect(await client.call(FindCoordinator, 0, { key: 'any' })).toMatchObject(here)
    expect(await client.call(FindCoordinator, 3, { key: 'any', keyType: 1 })).toMatchObject(here)
    const { coordinators } = await client.call(FindCoordinator, 6, { keyType: 0, coordinatorKeys: ['a', 'b'] })
    expect(coordinators).toMatchObject([
      { key: 'a', ...here },
      { key: 'b', ...here },
    ])
  })

  it('statement 69: refuses other kinds of keys', async () => {
    const { coordinators } = await client.call(FindCoordinator, 6, { keyType: 9, coordinatorKeys: ['a'] })
    expect(nameOf(coordinators[0]?.errorCode)).toBe('INVALID_REQUEST')
  })
})

it('statement 70: Connect workers join with a protocol type and metadata of their own', async () => {
  const protocols = [
    { name: 'sessioned', metadata: Buffer.from([1, 2, 3]) },
    { name: 'compatible', metadata: Buffer.from([4]) },
  ]
  const joined = await join(5, 'connect-cluster', { protocolType: 'connect', protocols, groupInstanceId: 'w' })
  expect(joined).toMatchObject({ errorCode: 0, protocolName: 'sessioned' })
  expect(joined.members.map(({ metadata }) => [...metadata])).toEqual([[1, 2, 3]])
  const { memberId, generationId } = joined
  const assignments = [{ memberId, assignment: Buffer.from([9, 9]) }]
  const sync = { groupId: 'connect-cluster', memberId, generationId, groupInstanceId: 'w', assignments }
  expect([...(await client.call(SyncGroup, 4, sync)).assignment]).toEqual([9, 9])
  expect(nameOf((await join(5, 'connect-cluster')).errorCode)).toBe('INCONSISTENT_GROUP_PROTOCOL')
})
