import type { Operation } from '../operation.ts'
import type { Plan, Script, ScriptTopic } from '../script.ts'

function about(topic: ScriptTopic) {
  return { connection: 'main', about: [topic.name] }
}

/** Fetch without a session, from anywhere, in both isolations, with limits that cut. */
export const fetchRecords: Plan = (script) => {
  const topic = script.pick(script.topics)
  const version = script.version('Fetch')
  if (topic === undefined || version === undefined) return undefined
  const indexes = new Set(Array.from({ length: script.between(1, 2) }, () => script.partitionOf(topic)))
  if (script.chance(0.04)) indexes.add(99)
  const partitions = [...indexes].map((partition) => ({
    partition,
    fetchOffset: script.chance(0.3) ? 0 : script.between(-1, 120),
    partitionMaxBytes: script.one(1_048_576, 1_048_576, 0, 200, 1_000, 5_000),
    ...(script.chance(0.1) && { currentLeaderEpoch: epochOf(topic, partition, script.one(0, 1)) }),
  }))
  const topics = [{ ...fetched(topic.name, version >= 13), partitions }]
  if (script.chance(0.05))
    topics.push({ ...fetched('no-such-topic', version >= 13), partitions: partitions.slice(0, 1) })
  const isolationLevel = script.between(0, 1)
  const operation: Operation = {
    title: `fetch, ${isolationLevel === 1 ? 'committed' : 'uncommitted'}`,
    api: 'Fetch',
    version,
    ...about(topic),
    request: {
      maxWaitMs: script.one(0, 0, 20),
      minBytes: script.one(0, 1, 1),
      maxBytes: script.one(10_000_000, 10_000_000, 1_000, 0),
      isolationLevel,
      topics,
    },
  }
  return { operation }
}

/** That of the leader as the broker knows it, or one that is ahead of it. */
function epochOf(topic: ScriptTopic, partition: number, plus: number) {
  return { $: 'leaderEpoch', of: topic.name, partition, plus }
}

/** A topic as Fetch names it: from version 13 on by its id. */
export function fetched(name: string, byId: boolean): { readonly topic?: string; readonly topicId?: unknown } {
  return byId ? { topicId: { $: 'topicId', of: name } } : { topic: name }
}

/** Fetch with a session that does not exist, or that is to be made. */
export const fetchSession: Plan = (script) => {
  const topic = script.pick(script.topics)
  const version = script.version('Fetch', { min: 7 })
  if (topic === undefined || version === undefined) return undefined
  const [sessionId, sessionEpoch] = script.one([12_345, 1], [12_345, 0], [0, 1], [12_345, -1])
  return {
    operation: {
      title: `fetch, session ${sessionId} at epoch ${sessionEpoch}`,
      api: 'Fetch',
      version,
      ...about(topic),
      request: { maxWaitMs: 0, minBytes: 0, sessionId, sessionEpoch, topics: [] },
    },
  }
}

export const listOffsets: Plan = (script) => {
  const topic = script.pick(script.topics)
  const version = script.version('ListOffsets')
  if (topic === undefined || version === undefined) return undefined
  const special = [
    -1,
    -2,
    ...(version >= 7 ? [-3] : []),
    ...(version >= 8 ? [-4] : []),
    ...(version >= 9 ? [-5] : []),
    ...(version >= 11 ? [-6] : []),
  ]
  const timestamp = script.chance(0.6) ? (script.pick(special) ?? -1) : script.nowMs - script.between(-10, 110_000)
  const unknown = script.chance(0.05) ? [{ name: 'no-such-topic', partitions: [{ partitionIndex: 0, timestamp }] }] : []
  const partitionIndex = script.chance(0.04) ? 99 : script.partitionOf(topic)
  const isKnowing = script.chance(0.1)
  const epoch = isKnowing ? { currentLeaderEpoch: epochOf(topic, partitionIndex, script.one(0, 1)) } : {}
  return {
    operation: {
      title: 'list offsets',
      api: 'ListOffsets',
      version,
      ...about(topic),
      request: {
        replicaId: -1,
        isolationLevel: version >= 2 ? script.between(0, 1) : 0,
        topics: [
          {
            name: topic.name,
            partitions: [{ partitionIndex, timestamp, ...epoch }],
          },
          ...unknown,
        ],
      },
    },
  }
}

export const deleteRecords: Plan = (script) => {
  const topic = script.pick(script.topics)
  const version = script.version('DeleteRecords')
  if (topic === undefined || version === undefined) return undefined
  const offset = script.one(-1, script.between(0, 30), script.between(0, 10), 100_000, -2)
  const partitions = [{ partitionIndex: script.chance(0.05) ? 99 : script.partitionOf(topic), offset }]
  return {
    operation: {
      title: 'delete records',
      api: 'DeleteRecords',
      version,
      ...about(topic),
      request: { topics: [{ name: script.chance(0.05) ? 'no-such-topic' : topic.name, partitions }], timeoutMs: 5_000 },
    },
  }
}

export const offsetForLeaderEpoch: Plan = (script) => {
  const topic = script.pick(script.topics)
  const version = script.version('OffsetForLeaderEpoch')
  if (topic === undefined || version === undefined) return undefined
  const partition = script.chance(0.05) ? 99 : script.partitionOf(topic)
  const [now, next] = [epochOf(topic, partition, 0), epochOf(topic, partition, 1)]
  const currentLeaderEpoch = script.one<unknown>(-1, -1, now, next)
  const partitions = [{ partition, currentLeaderEpoch, leaderEpoch: script.one<unknown>(now, now, next, -1) }]
  return {
    operation: {
      title: 'offset for leader epoch',
      api: 'OffsetForLeaderEpoch',
      version,
      ...about(topic),
      request: { replicaId: -1, topics: [{ topic: topic.name, partitions }] },
    },
  }
}

export const describeProducers: Plan = (script: Script) => {
  const topic = script.pick(script.topics)
  const version = script.version('DescribeProducers')
  if (topic === undefined || version === undefined) return undefined
  return {
    operation: {
      title: 'describe producers',
      api: 'DescribeProducers',
      version,
      ...about(topic),
      request: { topics: [{ name: topic.name, partitionIndexes: [script.partitionOf(topic)] }] },
    },
  }
}
