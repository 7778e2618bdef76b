import type { Operation } from '../operation.ts'
import type { Plan, Planned, Script, ScriptGroup, ScriptMember } from '../script.ts'

/** Long enough that nothing runs out while a run lasts. */
const PATIENT_MS = 600_000

interface JoinAnswer {
  readonly errorCode: number
  readonly generationId: number
  readonly leader: string
  readonly memberId: string
  readonly members: readonly { readonly memberId: string }[]
}

export function newGroup(name: string): ScriptGroup {
  const members = [1, 2, 3, 4].map((number) => newMember(`${name}/m${number}`, number === 4 ? `${name}-i` : null))
  return { name, members }
}

export function newMember(name: string, instanceId: string | null): ScriptMember {
  return { name, connection: name, instanceId, isParked: false, isIn: false, generation: -1, follows: [] }
}

/** A group and one of its members whose connection is free. */
function someone(script: Script): { group: ScriptGroup; member: ScriptMember } | undefined {
  const group = script.pick(script.groups)
  const member = script.pick(group?.members.filter(({ isParked }) => !isParked) ?? [])
  return group === undefined || member === undefined ? undefined : { group, member }
}

function of(group: ScriptGroup, member: ScriptMember) {
  return { connection: member.connection, about: [group.name] }
}

function instance(member: ScriptMember, version: number, since: number) {
  return version >= since && member.instanceId !== null ? { groupInstanceId: member.instanceId } : {}
}

function generationOf(script: Script, member: ScriptMember): number {
  return member.generation + (script.chance(0.06) ? script.one(-1, 1) : 0)
}

export const join: Plan = (script) => {
  const pair = someone(script)
  if (pair === undefined) return undefined
  const { group, member } = pair
  return joinAs(script, group, member, {
    ...(script.chance(0.03) && { memberId: { $: 'member', of: member.name } }),
    ...(script.chance(0.02) && { groupId: '' }),
    ...(script.chance(0.02) && { sessionTimeoutMs: 1 }),
    ...(script.chance(0.03) && { protocolType: 'connect' }),
    protocols: script.chance(0.02) ? [] : protocols(script),
  })
}

/** What a request says otherwise than it should. */
type Said = Readonly<Record<string, unknown>>

export function joinAs(script: Script, group: ScriptGroup, member: ScriptMember, said: Said): Planned | undefined {
  const version = script.version('JoinGroup', { min: member.instanceId === null ? 0 : 5 })
  if (version === undefined) return undefined
  const request = {
    groupId: group.name,
    sessionTimeoutMs: PATIENT_MS,
    rebalanceTimeoutMs: PATIENT_MS,
    memberId: member.isIn ? { $: 'member', of: member.name } : '',
    ...instance(member, version, 5),
    protocolType: 'consumer',
    ...said,
  }
  return {
    operation: {
      title: `${member.name} joins`,
      api: 'JoinGroup',
      version,
      ...of(group, member),
      answer: 'parks',
      names: { member: member.name },
      request,
    },
    learn: (answer) => {
      const { errorCode, generationId, leader, memberId, members } = answer as JoinAnswer
      member.isParked = false
      // MEMBER_ID_REQUIRED: the next try brings the id along.
      member.isIn = errorCode === 0 || errorCode === 79
      if (errorCode !== 0) return
      member.generation = generationId
      member.follows = leader === memberId ? members.map((each) => each.memberId) : []
    },
  }
}

function protocols(script: Script) {
  const topics = script.topics.slice(0, script.chance(0.8) ? 2 : script.between(0, 3)).map(({ name }) => name)
  const metadata = { $: 'subscription', topics }
  const range = { name: 'range', metadata }
  const sticky = { name: 'sticky', metadata }
  // `range` gets every vote: which of two equal ones wins depends on a hash in Kafka. After a restart Kafka knows no
  // others than those that were chosen (broker-differences.md, 60).
  return script.one([range], script.hasRestarts ? [range] : [range, sticky])
}

export const sync: Plan = (script) => {
  const pair = someone(script)
  const version = script.version('SyncGroup')
  if (pair === undefined || version === undefined) return undefined
  const { group, member } = pair
  const assignments = member.follows.map((name) => ({
    // The name is the member's own or an older one's; both brokers know it by the same.
    memberId: { $: 'member', of: name.split('#')[0] ?? name },
    assignment: { $: 'bytes', text: `for ${name}` },
  }))
  return syncAs(group, member, version, {
    assignments,
    generationId: generationOf(script, member),
    ...(version >= 5 && script.chance(0.1) && { protocolName: 'sticky' }),
  })
}

export function syncAs(group: ScriptGroup, member: ScriptMember, version: number, said: Said): Planned {
  return {
    operation: {
      title: `${member.name} syncs${member.follows.length > 0 ? ' as the leader' : ''}`,
      api: 'SyncGroup',
      version,
      ...of(group, member),
      answer: 'parks',
      request: {
        groupId: group.name,
        generationId: member.generation,
        memberId: { $: 'member', of: member.name },
        ...instance(member, version, 3),
        ...(version >= 5 && { protocolType: 'consumer', protocolName: 'range' }),
        ...said,
      },
    },
    learn: () => {
      member.isParked = false
    },
  }
}

export const heartbeat: Plan = (script) => {
  const pair = someone(script)
  const version = script.version('Heartbeat')
  if (pair === undefined || version === undefined) return undefined
  const { group, member } = pair
  return heartbeatAs(group, member, version, {
    ...(script.chance(0.02) && { groupId: 'no-such-group' }),
    generationId: generationOf(script, member),
  })
}

export function heartbeatAs(group: ScriptGroup, member: ScriptMember, version: number, said: Said = {}): Planned {
  return {
    operation: {
      title: `heartbeat of ${member.name}`,
      api: 'Heartbeat',
      version,
      ...of(group, member),
      request: {
        groupId: group.name,
        generationId: member.generation,
        memberId: { $: 'member', of: member.name },
        ...instance(member, version, 3),
        ...said,
      },
    },
  }
}

export const leave: Plan = (script) => {
  const pair = someone(script)
  const version = script.version('LeaveGroup')
  if (pair === undefined || version === undefined) return undefined
  const { group, member } = pair
  // Who leads when the leader is gone depends on a hash in Kafka: it leaves last.
  if (member.follows.length > 0 && group.members.some((each) => each.isIn && each !== member)) return undefined
  return leaveAs(group, member, version, member.instanceId !== null && script.chance(0.5))
}

export function leaveAs(group: ScriptGroup, member: ScriptMember, version: number, byInstance: boolean): Planned {
  const memberId = { $: 'member', of: member.name }
  const request =
    version >= 3
      ? { members: [{ memberId: byInstance ? '' : memberId, groupInstanceId: member.instanceId }] }
      : { memberId }
  return {
    operation: {
      title: `${member.name} leaves`,
      api: 'LeaveGroup',
      version,
      ...of(group, member),
      request: { groupId: group.name, ...request },
    },
    learn: () => {
      member.isIn = false
      member.follows = []
    },
  }
}

export const commit: Plan = (script) => {
  const pair = someone(script)
  const topic = script.pick(script.topics)
  const version = script.version('OffsetCommit')
  if (pair === undefined || topic === undefined || version === undefined) return undefined
  const { group, member } = pair
  const asMember = script.chance(0.6)
  const committedMetadata = script.one(null, '', 'meta', 'x'.repeat(script.chance(0.1) ? 5_000 : 5))
  const groupId = script.chance(0.03) ? script.fresh('lonely-') : group.name
  if (isTooLong(committedMetadata)) script.queue.push(firstCommit(groupId, topic.name))
  const partitions = [
    {
      partitionIndex: script.chance(0.05) ? 99 : script.partitionOf(topic),
      committedOffset: script.between(0, 1_000),
      committedMetadata,
      ...(script.chance(0.3) && { committedLeaderEpoch: 0 }),
    },
  ]
  return {
    operation: {
      title: `commit ${asMember ? `of ${member.name}` : 'without a member'}`,
      api: 'OffsetCommit',
      version,
      ...of(group, member),
      request: {
        groupId,
        generationIdOrMemberEpoch: asMember ? generationOf(script, member) : -1,
        memberId: asMember ? { $: 'member', of: member.name } : '',
        ...(asMember && instance(member, version, 7)),
        topics: [
          { ...(version >= 10 ? { topicId: { $: 'topicId', of: topic.name } } : { name: topic.name }), partitions },
        ],
      },
    },
  }
}

/** Longer than `offset.metadata.max.bytes`. */
export function isTooLong(metadata: string | null): boolean {
  return metadata !== null && metadata.length > 4_096
}

/** Makes a group to be seen that only a refused commit may have made: in Kafka it is not (broker-differences.md, 68). */
export function firstCommit(groupId: string, topic: string): Plan {
  return (script) => {
    const version = script.version('OffsetCommit', { max: 9 })
    if (version === undefined) return undefined
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: 'short' }]
    return {
      operation: {
        title: 'commit after one that was too long',
        api: 'OffsetCommit',
        version,
        connection: 'groups',
        about: [groupId],
        request: { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: topic, partitions }] },
      },
    }
  }
}

export const fetchOffsets: Plan = (script) => {
  const group = script.pick(script.groups)
  const topic = script.pick(script.topics)
  const version = script.version('OffsetFetch')
  if (group === undefined || topic === undefined || version === undefined) return undefined
  const partitionIndexes = [script.partitionOf(topic), ...(script.chance(0.05) ? [99] : [])]
  const name = version >= 10 ? { topicId: { $: 'topicId', of: topic.name } } : { name: topic.name }
  const all = script.chance(0.4) && version >= 2
  const topics = all ? null : [{ ...name, partitionIndexes }]
  const groupId = script.chance(0.05) ? 'no-such-group' : group.name
  return {
    operation: {
      title: 'fetch committed offsets',
      api: 'OffsetFetch',
      version,
      connection: 'groups',
      about: [group.name],
      request: {
        ...(version >= 8 ? { groups: [{ groupId, topics }] } : { groupId, topics }),
        ...(version >= 7 && { requireStable: script.chance(0.5) }),
      },
    },
  }
}

function aboutGroups(title: string, about: readonly string[]): Pick<Operation, 'title' | 'connection' | 'about'> {
  return { title, connection: 'groups', about }
}

export const describeGroups: Plan = (script) => {
  const group = script.pick(script.groups)
  const version = script.version('DescribeGroups')
  if (group === undefined || version === undefined) return undefined
  const groups = [group.name, ...(script.chance(0.1) ? ['no-such-group'] : [])]
  return {
    operation: { ...aboutGroups('describe groups', [group.name]), api: 'DescribeGroups', version, request: { groups } },
  }
}

export const listGroups: Plan = (script) => {
  const version = script.version('ListGroups')
  if (version === undefined) return undefined
  const statesFilter = script.chance(0.5) ? [] : [script.one('Stable', 'Empty', 'PreparingRebalance', 'nonsense')]
  const typesFilter = script.chance(0.7) ? [] : [script.one('classic', 'consumer', 'Classic')]
  return {
    operation: {
      ...aboutGroups('list groups', []),
      api: 'ListGroups',
      version,
      request: { ...(version >= 4 && { statesFilter }), ...(version >= 5 && { typesFilter }) },
    },
  }
}

export const deleteGroups: Plan = (script) => {
  const group = script.pick(script.groups)
  const version = script.version('DeleteGroups')
  if (group === undefined || version === undefined) return undefined
  const groupsNames = [group.name, ...(script.chance(0.3) ? ['no-such-group'] : [])]
  return {
    operation: {
      ...aboutGroups('delete groups', [group.name]),
      api: 'DeleteGroups',
      version,
      request: { groupsNames },
    },
  }
}

export const deleteOffsets: Plan = (script) => {
  const group = script.pick(script.groups)
  const topic = script.pick(script.topics)
  const version = script.version('OffsetDelete')
  if (group === undefined || topic === undefined || version === undefined) return undefined
  const partitions = [{ partitionIndex: script.partitionOf(topic) }]
  return {
    operation: {
      ...aboutGroups('delete committed offsets', [group.name]),
      api: 'OffsetDelete',
      version,
      request: {
        groupId: script.chance(0.1) ? 'no-such-group' : group.name,
        topics: [{ name: topic.name, partitions }],
      },
    },
  }
}

export const findCoordinator: Plan = (script) => {
  const group = script.pick(script.groups)
  const version = script.version('FindCoordinator')
  if (group === undefined || version === undefined) return undefined
  const keyType = version >= 1 ? script.one(0, 1) : 0
  const key = script.one(group.name, group.name, 'tx-1')
  return {
    operation: {
      ...aboutGroups('find a coordinator', [group.name]),
      api: 'FindCoordinator',
      version,
      request: { keyType, ...(version >= 4 ? { coordinatorKeys: [key] } : { key }) },
    },
  }
}
