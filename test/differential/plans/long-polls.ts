import type { BatchSpec } from '../operation.ts'
import type { Plan, Script, ScriptProducer, ScriptTopic } from '../script.ts'
import { newProducer, planned, produceTo } from './producing.ts'
import { fetched } from './reading.ts'
import { addPartition, endBy, initNew } from './transactions.ts'
import { waking } from './waiting.ts'

/** Longer than anything that is waited for here: only an append may end such a fetch. */
const WAIT_MS = 50_000

/** Fetches that wait, each over a connection of its own, on a topic of their own: everything else leaves it alone. */
export const longPolls: Plan = (script) => {
  const version = script.version('CreateTopics')
  if (version === undefined) return undefined
  const topic: ScriptTopic = { name: script.fresh('polled-'), partitions: 3, kind: 'plain' }
  const story = script.one(
    appendWakesAll,
    enoughBytesWake,
    oneOfTwoPartitionsWakes,
    commitWakes,
    sessionWakes,
    timeIsUp,
  )
  script.queue.push(...story(script, topic), ...deletionWakes(script, topic))
  const { name, partitions: numPartitions } = topic
  return {
    operation: {
      title: 'create a topic to wait on',
      api: 'CreateTopics',
      version,
      connection: 'admin',
      about: [name],
      request: {
        topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
        timeoutMs: 10_000,
        validateOnly: false,
      },
      settle: [{ kind: 'topic', topic: name, partitions: numPartitions }],
    },
  }
}

type Story = (script: Script, topic: ScriptTopic) => readonly Plan[]

const appendWakesAll: Story = (_, topic) => [
  poll(topic, 'poll-1'),
  poll(topic, 'poll-2', { isolationLevel: 1 }),
  poll(topic, 'poll-3', { maxBytes: 1 }),
  append(topic, { wakes: ['poll-1', 'poll-2', 'poll-3'] }),
]

const enoughBytesWake: Story = (_, topic) => [
  poll(topic, 'poll-1', { minBytes: 900 }),
  poll(topic, 'poll-2', { minBytes: 1 }),
  append(topic, { wakes: ['poll-2'] }),
  append(topic, { bytes: 1_000, wakes: ['poll-1'] }),
]

const oneOfTwoPartitionsWakes: Story = (_, topic) => [
  poll(topic, 'poll-1', { partitions: [0, 1] }),
  poll(topic, 'poll-2', { partitions: [1] }),
  append(topic, { partition: 0, wakes: ['poll-1'] }),
  append(topic, { partition: 1, wakes: ['poll-2'] }),
]

const sessionWakes: Story = (script, topic) => {
  const session = script.fresh('polling-')
  const of = { $: 'session', of: session }
  return [
    poll(topic, 'poll-1', { request: { sessionId: 0, sessionEpoch: 0, maxWaitMs: 0 }, session, min: 7 }),
    poll(topic, 'poll-1', { request: { sessionId: of, sessionEpoch: 1, topics: [] }, min: 7 }),
    append(topic, { partition: 0, wakes: ['poll-1'] }),
    poll(topic, 'poll-1', { request: { sessionId: of, sessionEpoch: -1, topics: [], maxWaitMs: 0 }, min: 7 }),
  ]
}

/** Nothing comes: the answer is empty, and on time. */
const timeIsUp: Story = (_, topic) => [poll(topic, 'poll-1', { request: { maxWaitMs: 150 } })]

/** What is written in a transaction wakes who reads everything; who reads what is committed waits for the marker. */
const commitWakes: Story = (script, topic) => {
  const producer = newProducer(script.fresh('t'), script.fresh('tx-'))
  const committed = script.chance(0.5)
  return [
    () => initNew(producer, 3),
    () => addPartition(producer, 3, { topic: topic.name, partition: 0 }),
    poll(topic, 'poll-1', { isolationLevel: 1 }),
    poll(topic, 'poll-2', { isolationLevel: 0 }),
    append(topic, { producer, wakes: ['poll-2'] }),
    poll(topic, 'poll-2', { isolationLevel: 0, fetchOffset: 1 }),
    waking(() => endBy(producer, 3, { committed }), 'poll-1', 'poll-2'),
  ]
}

/** Whoever still waits learns that the topic is gone. */
const deletionWakes: Story = (_, topic) => [
  poll(topic, 'poll-1', { partitions: [2] }),
  (script) => {
    const version = script.version('DeleteTopics', { max: 5 })
    if (version === undefined) return undefined
    const { name } = topic
    return {
      operation: {
        title: `delete topic ${name}, which is waited on`,
        api: 'DeleteTopics',
        version,
        connection: 'admin',
        about: [name],
        request: { topicNames: [name], timeoutMs: 10_000 },
        settle: [{ kind: 'no topic', topic: name }],
        wakes: ['poll-1'],
      },
    }
  },
]

interface PollShape {
  readonly partitions?: readonly number[]
  readonly fetchOffset?: number
  readonly minBytes?: number
  readonly maxBytes?: number
  readonly isolationLevel?: number
  readonly request?: Readonly<Record<string, unknown>>
  readonly session?: string
  /** Sessions keep to topics by name. */
  readonly min?: number
}

function poll({ name }: ScriptTopic, connection: string, shape: PollShape = {}): Plan {
  return (script) => {
    const { partitions = [0], fetchOffset = 0, minBytes = 1, maxBytes = 10_000_000, isolationLevel = 0 } = shape
    const version = script.version('Fetch', shape.min === undefined ? {} : { min: shape.min, max: 12 })
    if (version === undefined) return undefined
    const wanted = partitions.map((partition) => ({ partition, fetchOffset, partitionMaxBytes: 1_048_576 }))
    const request = {
      maxWaitMs: WAIT_MS,
      minBytes,
      maxBytes,
      isolationLevel,
      topics: [{ ...fetched(name, version >= 13), partitions: wanted }],
      ...shape.request,
    }
    return {
      operation: {
        title: `wait for ${minBytes} bytes in ${partitions.join(' and ')}`,
        api: 'Fetch',
        version,
        connection,
        about: [name],
        request,
        ...(request.maxWaitMs === WAIT_MS && { answer: 'parks' }),
        ...(shape.session !== undefined && { names: { session: shape.session } }),
      },
    }
  }
}

interface AppendShape {
  readonly partition?: number
  readonly bytes?: number
  /** Appends in its transaction. */
  readonly producer?: ScriptProducer
  readonly wakes: readonly string[]
}

function append(topic: ScriptTopic, { partition = 0, bytes = 10, producer, wakes }: AppendShape): Plan {
  const appending: Plan = (script) => {
    const records = [{ key: 'k', value: 'x'.repeat(bytes), timestamp: script.nowMs }]
    const own = producer && { producer: producer.name, baseSequence: 0, isTransactional: true }
    const batch: BatchSpec = { records, ...own }
    const transactionalId = producer?.transactionalId ?? null
    return planned(
      produceTo(script, { title: 'for those who wait', topic, partition, batches: [batch], transactionalId }),
    )
  }
  return waking(appending, ...wakes)
}
