import type { Plan, Script, ScriptConsumer, ScriptConsumerGroup } from '../script.ts'

/** Long enough that nothing runs out while a run lasts. */
export const PATIENT_MS = 1_800_000

type AssignorName = ScriptConsumerGroup['assignor']

interface HeartbeatAnswer {
  readonly errorCode: number
  readonly memberEpoch: number
}

/**
 * Three members, the third of them static, and one that may come in the place of the third. With the uniform assignor
 * one alone: which of several equally loaded members gets a partition is not the same in both brokers.
 */
export function newConsumerGroup(name: string, assignor: AssignorName): ScriptConsumerGroup {
  const numbers = assignor === 'range' ? [1, 2, 3, 4] : [1]
  const members = numbers.map((number) => ({
    name: `${name}-m${number}`,
    instanceId: number > 2 ? `${name}-i` : null,
    isIn: false,
    epoch: 0,
  }))
  return { name, assignor, members }
}

function someone(script: Script, isIn?: boolean) {
  const group = script.pick(script.consumerGroups)
  const candidates = group?.members.filter((each) => isIn === undefined || each.isIn === isIn) ?? []
  const member = script.pick(candidates)
  return group === undefined || member === undefined ? undefined : { group, member }
}

/** One request of a member; what is not said has not changed. */
export function beat(
  script: Script,
  group: ScriptConsumerGroup,
  member: ScriptConsumer,
  said: BeatShape,
): ReturnType<Plan> {
  const version = script.version('ConsumerGroupHeartbeat', { min: said.min ?? 0 })
  if (version === undefined) return undefined
  return {
    operation: {
      title: `${member.name} ${said.title}`,
      api: 'ConsumerGroupHeartbeat',
      version,
      connection: member.name,
      about: [group.name],
      names: { consumer: member.name },
      request: {
        groupId: group.name,
        memberId: member.name,
        memberEpoch: said.epoch,
        instanceId: member.instanceId,
        ...said.request,
      },
    },
    learn: (answer) => {
      const { errorCode, memberEpoch } = answer as HeartbeatAnswer
      if (errorCode === 0) {
        member.isIn = memberEpoch >= 0
        member.epoch = Math.max(memberEpoch, 0)
        if (said.epoch === 0) leaveItsPlace(group, member)
      }
      if (FENCED.has(errorCode)) member.isIn = false
    },
  }
}

interface BeatShape {
  readonly title: string
  readonly epoch: number
  readonly min?: number
  readonly request?: Readonly<Record<string, unknown>>
}

/** FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID: the member has to join anew. */
const FENCED = new Set([82, 25])

/** A static member that came in the place of another. */
function leaveItsPlace(group: ScriptConsumerGroup, member: ScriptConsumer): void {
  if (member.instanceId === null) return
  for (const each of group.members) if (each !== member && each.instanceId === member.instanceId) each.isIn = false
}

/** What a member says that starts: everything. */
function everything(script: Script, { assignor }: ScriptConsumerGroup) {
  return {
    rebalanceTimeoutMs: PATIENT_MS,
    subscribedTopicNames: subscription(script),
    serverAssignor: assignor === 'uniform' ? script.one(null, 'uniform') : assignor,
    topicPartitions: [],
    ...(script.chance(0.1) && { rackId: script.one('r1', 'r2') }),
  }
}

function subscription(script: Script): readonly string[] {
  const chosen = script.topics.map(({ name }) => name).filter(() => script.chance(0.4))
  const count = script.between(1, 3)
  return [...chosen.slice(0, count), ...(script.chance(0.05) ? ['not-yet-there'] : [])]
}

export const joinConsumer: Plan = (script) => {
  const pair = someone(script, script.chance(0.95) ? false : undefined)
  if (pair === undefined) return undefined
  return beat(script, pair.group, pair.member, {
    title: 'joins with epoch 0',
    epoch: 0,
    request: everything(script, pair.group),
  })
}

/** Alive; with what it owns, as long as it has not given up what it should, or without a word. */
export const beatConsumer: Plan = (script) => {
  const pair = someone(script, true)
  if (pair === undefined) return undefined
  const { group, member } = pair
  const when = script.one('now', 'now', 'now', 'before')
  const owned = { topicPartitions: { $: 'owned', of: member.name, when } }
  return beat(script, group, member, {
    title: `beats, owning what it was told ${when}`,
    epoch: member.epoch,
    request: script.chance(0.7) ? owned : {},
  })
}

/** Says everything again, as a member that is not sure of its place. */
export const fullBeatConsumer: Plan = (script) => {
  const pair = someone(script, true)
  if (pair === undefined) return undefined
  const { group, member } = pair
  return beat(script, group, member, {
    title: 'beats in full',
    epoch: member.epoch,
    request: { ...everything(script, group), topicPartitions: { $: 'owned', of: member.name, when: 'now' } },
  })
}

export const wrongEpochConsumer: Plan = (script) => {
  const pair = someone(script)
  if (pair === undefined) return undefined
  const { group, member } = pair
  const owned = { $: 'owned', of: member.name, when: script.one('now', 'before') }
  return beat(script, group, member, {
    title: 'beats in another epoch',
    epoch: member.epoch + script.one(-1, -1, -2, 1, 5),
    request: { topicPartitions: script.one<unknown>(null, owned, owned) },
  })
}

export const leaveConsumer: Plan = (script) => {
  const pair = someone(script, script.chance(0.9) ? true : undefined)
  if (pair === undefined) return undefined
  const { group, member } = pair
  const isForAWhile = member.instanceId !== null && script.chance(0.6)
  return beat(script, group, member, {
    title: isForAWhile ? 'goes for a while' : 'goes',
    epoch: isForAWhile ? -2 : -1,
  })
}

/** Requests that are wrong whatever the group is like, or for this member. */
export const wrongBeat: Plan = (script) => {
  const pair = someone(script)
  if (pair === undefined) return undefined
  const { group, member } = pair
  const all = everything(script, group)
  const owned = [{ topicId: { $: 'topicId', of: script.pick(script.topics)?.name ?? '' }, partitions: [0] }]
  const flaws: readonly (readonly [string, number, Readonly<Record<string, unknown>>])[] = [
    ['no group', 0, { ...all, groupId: '' }],
    ['no member id', member.epoch, { memberId: '' }],
    ['an empty instance id', 0, { ...all, instanceId: '' }],
    ['an empty rack', 0, { ...all, rackId: '' }],
    ['epoch -3', -3, {}],
    ['epoch -2 without an instance id', -2, { instanceId: null }],
    ['no rebalance timeout', 0, { ...all, rebalanceTimeoutMs: -1 }],
    ['no subscription', 0, { ...all, subscribedTopicNames: null }],
    ['partitions when joining', 0, { ...all, topicPartitions: owned }],
    ['no list of partitions when joining', 0, { ...all, topicPartitions: null }],
    ['an unknown assignor', 0, { ...all, serverAssignor: 'sticky' }],
    ['a member nobody knows', 3, { memberId: 'nobody', instanceId: null }],
    ['an instance nobody knows', 3, { instanceId: 'nobody-i' }],
    ['a group nobody knows', 3, { groupId: 'no-such-group' }],
    ['partitions of others', member.epoch, { topicPartitions: owned }],
    ['the id of another', member.epoch, { memberId: group.members[0]?.name ?? '' }],
  ]
  const [title, epoch, request] = script.pick(flaws) ?? ['nothing', member.epoch, {}]
  const planned = beat(script, group, { ...member }, { title: `beats with ${title}`, epoch, request })
  // It speaks for nobody: what comes back is compared, and nothing is learnt from it but that somebody may be fenced.
  return planned && { operation: { ...planned.operation, names: {} }, learn: () => planned.learn?.({ errorCode: -1 }) }
}

/** Version 0 lets the coordinator make the id up. */
export const joinWithoutId: Plan = (script) => {
  const version = script.version('ConsumerGroupHeartbeat', { max: 0 })
  const topic = script.topics[0]
  if (version === undefined || topic === undefined) return undefined
  const name = script.fresh('made-up-')
  const common = { api: 'ConsumerGroupHeartbeat', version, connection: 'groups', about: [name] }
  const leave: Plan = () => ({
    operation: {
      ...common,
      title: 'the member with a made-up id goes',
      request: { groupId: name, memberId: { $: 'member', of: name }, memberEpoch: -1 },
    },
  })
  script.queue.push(leave)
  const request = { subscribedTopicNames: [topic.name], rebalanceTimeoutMs: PATIENT_MS, topicPartitions: [] }
  return {
    operation: {
      ...common,
      title: 'a member without an id joins',
      names: { member: name },
      request: { groupId: name, memberId: '', memberEpoch: 0, ...request },
    },
  }
}

/** A subscription by regular expression, looked at once Kafka has resolved it in the background. */
export const joinByPattern: Plan = (script) => {
  const version = script.version('ConsumerGroupHeartbeat', { min: 1 })
  const describeVersion = script.version('ConsumerGroupDescribe', { min: 1 })
  if (version === undefined || describeVersion === undefined) return undefined
  const name = script.fresh('pattern-')
  const subscribedTopicRegex = script.one('topic-.*', 'topic-[1-3]', '.*-2|no.*', 'nothing', '(', 'topic-(?=1)', '')
  const common = { connection: 'groups', about: [name] }
  const describe: Plan = () => ({
    operation: {
      ...common,
      title: 'describe a group that subscribes by pattern',
      api: 'ConsumerGroupDescribe',
      version: describeVersion,
      request: { groupIds: [name], includeAuthorizedOperations: false },
    },
  })
  const leave: Plan = () => ({
    operation: {
      ...common,
      title: 'a member that subscribes by pattern goes',
      api: 'ConsumerGroupHeartbeat',
      version,
      request: { groupId: name, memberId: name, memberEpoch: -1 },
    },
  })
  script.queue.push(describe, leave)
  const request = { subscribedTopicRegex, rebalanceTimeoutMs: PATIENT_MS, topicPartitions: [] }
  const resolvable = !['(', 'topic-(?=1)'].includes(subscribedTopicRegex)
  return {
    operation: {
      ...common,
      title: `joins by the pattern ${subscribedTopicRegex}`,
      api: 'ConsumerGroupHeartbeat',
      version,
      request: { groupId: name, memberId: name, memberEpoch: 0, ...request },
      ...(resolvable && { settle: [{ kind: 'pattern', group: name, member: name }] as const }),
    },
  }
}

export const describeConsumers: Plan = (script) => {
  const group = script.pick(script.consumerGroups)
  const version = script.version('ConsumerGroupDescribe')
  if (group === undefined || version === undefined) return undefined
  const others = script.chance(0.1) ? [script.one('no-such-group', '', script.groups[0]?.name ?? 'g1')] : []
  return {
    operation: {
      title: 'describe consumer groups',
      api: 'ConsumerGroupDescribe',
      version,
      connection: 'groups',
      about: [group.name],
      request: { groupIds: [group.name, ...others], includeAuthorizedOperations: script.chance(0.3) },
    },
  }
}

export const commitAsConsumer: Plan = (script) => {
  const pair = someone(script)
  const topic = script.pick(script.topics)
  const version = script.version('OffsetCommit')
  if (pair === undefined || topic === undefined || version === undefined) return undefined
  const { group, member } = pair
  const asMember = script.chance(0.8)
  // Not an earlier one, which only Kafka may accept (broker-differences.md, 75): offsets would differ from then on.
  const epoch = member.epoch + (script.chance(0.15) ? 1 : 0)
  const partitions = [{ partitionIndex: script.partitionOf(topic), committedOffset: script.between(0, 1_000) }]
  const name = version >= 10 ? { topicId: { $: 'topicId', of: topic.name } } : { name: topic.name }
  return {
    operation: {
      title: `consumer commit ${asMember ? `of ${member.name}` : 'without a member'}`,
      api: 'OffsetCommit',
      version,
      connection: 'groups',
      about: [group.name],
      request: {
        groupId: group.name,
        generationIdOrMemberEpoch: asMember ? epoch : -1,
        memberId: asMember ? member.name : '',
        ...(version >= 7 && asMember && script.chance(0.5) && { groupInstanceId: member.instanceId }),
        topics: [{ ...name, partitions }],
      },
    },
  }
}

export const fetchAsConsumer: Plan = (script) => {
  const pair = someone(script)
  const topic = script.pick(script.topics)
  const version = script.version('OffsetFetch', { min: 9 })
  if (pair === undefined || topic === undefined || version === undefined) return undefined
  const { group, member } = pair
  const name = version >= 10 ? { topicId: { $: 'topicId', of: topic.name } } : { name: topic.name }
  const topics = script.chance(0.3) ? null : [{ ...name, partitionIndexes: [script.partitionOf(topic)] }]
  const memberEpoch = member.epoch + (script.chance(0.2) ? script.one(-1, 1) : 0)
  const memberId = script.chance(0.05) ? 'nobody' : member.name
  const identity = script.chance(0.8) ? { memberId, memberEpoch } : {}
  return {
    operation: {
      title: 'fetch offsets as a consumer',
      api: 'OffsetFetch',
      version,
      connection: 'groups',
      about: [group.name],
      request: { groups: [{ groupId: group.name, ...identity, topics }], requireStable: script.chance(0.5) },
    },
  }
}

/** What was made for the classic protocol, asked of a consumer group. */
export const classicRequest: Plan = (script) => {
  const pair = someone(script)
  if (pair === undefined) return undefined
  const { group, member } = pair
  const groupId = group.name
  const topic = script.pick(script.topics)?.name ?? ''
  const identity = { groupId, generationId: member.epoch, memberId: member.name }
  const requests: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['DescribeGroups', { groups: [groupId] }],
    ['Heartbeat', identity],
    ['SyncGroup', { ...identity, assignments: [] }],
    ['DeleteGroups', { groupsNames: [groupId] }],
    ['OffsetDelete', { groupId, topics: [{ name: topic, partitions: [{ partitionIndex: 0 }] }] }],
  ]
  const [api, request] = script.pick(requests) ?? ['Heartbeat', identity]
  const version = script.version(api, { max: api === 'SyncGroup' ? 4 : 99 })
  if (version === undefined) return undefined
  const title = `${api} of a consumer group`
  return { operation: { title, api, version, connection: 'groups', about: [groupId], request } }
}
