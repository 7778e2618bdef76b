import type { Plan, Script, ScriptConsumerGroup, ScriptGroup, ScriptMember, ScriptTopic } from '../script.ts'
import { beat, PATIENT_MS } from './consumer-groups.ts'
import { heartbeatAs, joinAs, leaveAs, newMember, syncAs } from './groups.ts'
import { answeredAtOnce, waking } from './waiting.ts'

/**
 * A group that goes over to the consumer protocol while it is in use, and back or to its end (KIP-848). Its classic
 * members are static: the range assignor puts them in the order of names that both brokers know.
 */
export const migrate: Plan = (script) => {
  const topic = script.pick(script.topics)
  const name = script.fresh('moving-')
  if (topic === undefined) return undefined
  const count = script.between(1, 2)
  const members = Array.from({ length: count }, (_, n) => newMember(`${name}/s${n + 1}`, `${name}-i${n + 1}`))
  const joiner = { name: `${name}-c`, instanceId: null, isIn: false, epoch: 0 }
  const move: Move = {
    topic,
    classic: { name, members },
    consumers: { name, assignor: 'range', members: [joiner] },
  }
  const [first, ...rest] = [
    ...classicRound(move),
    commit(move),
    joinsAsConsumer(move),
    ...look(move),
    ...mixedRound(move),
    ...mixedRound(move),
    commit(move),
    ...(script.chance(0.5) ? goesBack(move) : goesOver(move)),
    ...look(move),
    ...members.map((member) => leaves(move, member)),
    ...look(move),
  ]
  script.queue.push(...rest)
  return first?.(script)
}

interface Move {
  readonly topic: ScriptTopic
  /** The same group, as members of the one and the other protocol see it. */
  readonly classic: ScriptGroup
  readonly consumers: ScriptConsumerGroup
}

/** All classic members join, the first as their leader, and are given their partitions. */
function classicRound(move: Move): readonly Plan[] {
  const [leader, follower] = move.classic.members
  if (leader === undefined) return []
  if (follower === undefined) return [joins(move, leader), syncs(move, leader)]
  return [
    joins(move, leader),
    joins(move, follower, 'waits'),
    heartbeats(move, leader),
    waking(joins(move, leader), follower.connection),
    syncs(move, follower, 'waits'),
    waking(syncs(move, leader), follower.connection),
  ]
}

/** Everybody says what there is to say, until nothing changes any more. */
function mixedRound(move: Move): readonly Plan[] {
  const classic = move.classic.members.flatMap((member) => [
    heartbeats(move, member),
    joins(move, member),
    syncs(move, member),
  ])
  return [...classic, beats(move), ...look(move)]
}

/**
 * The consumer leaves: only a classic member is left, and the group is its own again. Only one: who leads several is a
 * matter of a hash in Kafka.
 */
function goesBack(move: Move): readonly Plan[] {
  const [leader, ...others] = move.classic.members
  if (leader === undefined) return []
  const gone = others.map((member) => leaves(move, member))
  const again = [heartbeats(move, leader), joins(move, leader), syncs(move, leader), heartbeats(move, leader)]
  return [...gone, beats(move), consumerLeaves(move), ...look(move), ...again]
}

/** The classic members leave; when the last consumer has left, too, the group is anybody's. */
function goesOver(move: Move): readonly Plan[] {
  const [first] = move.classic.members
  const gone = move.classic.members.map((member) => leaves(move, member))
  const again = first === undefined ? [] : [joins(move, first), syncs(move, first), heartbeats(move, first)]
  return [...gone, beats(move), ...look(move), consumerLeaves(move), ...look(move), ...again]
}

function joins({ topic, classic }: Move, member: ScriptMember, how: 'at once' | 'waits' = 'at once'): Plan {
  const protocols = [{ name: 'range', metadata: { $: 'subscription', topics: [topic.name] } }]
  return (script) => {
    const joining = joinAs(script, classic, member, { protocols })
    return how === 'waits' ? joining : answeredAtOnce(joining)
  }
}

/** Who leads gives the last partition to the other member, and the rest to itself. */
function syncs({ topic, classic }: Move, member: ScriptMember, how: 'at once' | 'waits' = 'at once'): Plan {
  return (script) => {
    const version = script.version('SyncGroup', { min: 3 })
    if (version === undefined) return undefined
    const all = Array.from({ length: topic.partitions }, (_, partition) => partition)
    const parts = member.follows.length > 1 ? [all.slice(0, -1), all.slice(-1)] : [all]
    const assignments = member.follows.map((name, n) => ({
      memberId: { $: 'member', of: name.split('#')[0] ?? name },
      // A topic without partitions would be kept as such by Kafka alone.
      assignment: { $: 'assignment', of: parts[n]?.length ? [{ topic: topic.name, partitions: parts[n] }] : [] },
    }))
    const syncing = syncAs(classic, member, version, { assignments })
    return how === 'waits' ? syncing : answeredAtOnce(syncing)
  }
}

function heartbeats({ classic }: Move, member: ScriptMember): Plan {
  return (script) => {
    const version = script.version('Heartbeat', { min: 3 })
    return version === undefined ? undefined : heartbeatAs(classic, member, version)
  }
}

function leaves({ classic }: Move, member: ScriptMember): Plan {
  return (script) => {
    const version = script.version('LeaveGroup', { min: 3 })
    return version === undefined ? undefined : leaveAs(classic, member, version, true)
  }
}

function joinsAsConsumer({ topic, consumers }: Move): Plan {
  return (script) => {
    const [member] = consumers.members
    if (member === undefined) return undefined
    const request = {
      rebalanceTimeoutMs: PATIENT_MS,
      subscribedTopicNames: [topic.name],
      serverAssignor: 'range',
      topicPartitions: [],
    }
    return beat(script, consumers, member, { title: 'joins those of the classic protocol', epoch: 0, request })
  }
}

function beats({ consumers }: Move): Plan {
  return (script) => {
    const [member] = consumers.members
    if (member === undefined) return undefined
    const request = { topicPartitions: { $: 'owned', of: member.name, when: 'now' } }
    return beat(script, consumers, member, { title: 'beats beside others', epoch: member.epoch, request })
  }
}

function consumerLeaves({ consumers }: Move): Plan {
  return (script) => {
    const [member] = consumers.members
    return member && beat(script, consumers, member, { title: 'leaves those of the classic protocol', epoch: -1 })
  }
}

/** The first classic member commits, by its generation or, what is the same by then, its epoch. */
function commit({ topic, classic }: Move): Plan {
  return (script) => {
    const version = script.version('OffsetCommit', { min: 7, max: 9 })
    const [member] = classic.members
    if (version === undefined || member === undefined) return undefined
    const partitions = [{ partitionIndex: 0, committedOffset: script.between(1, 100) }]
    return {
      operation: {
        title: `${member.name} commits`,
        api: 'OffsetCommit',
        version,
        connection: member.connection,
        about: [classic.name],
        request: {
          groupId: classic.name,
          generationIdOrMemberEpoch: member.generation,
          memberId: { $: 'member', of: member.name },
          groupInstanceId: member.instanceId,
          topics: [{ name: topic.name, partitions }],
        },
      },
    }
  }
}

/** The group as it shows itself to those who ask by the one protocol and the other. */
function look({ classic: { name } }: Move): readonly Plan[] {
  const asked: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['ConsumerGroupDescribe', { groupIds: [name], includeAuthorizedOperations: false }],
    ['DescribeGroups', { groups: [name] }],
    ['OffsetFetch', { groups: [{ groupId: name, topics: null }], requireStable: true }],
  ]
  return asked.map(([api, request]) => (script: Script) => {
    const version = script.version(api, api === 'OffsetFetch' ? { min: 8, max: 9 } : {})
    if (version === undefined) return undefined
    const title = `${api} of a group between the protocols`
    return { operation: { title, api, version, connection: 'groups', about: [name], request } }
  })
}
