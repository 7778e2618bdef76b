import { decodeBatches } from './batches.ts'
import type { Names } from './names.ts'

export interface KnownNames {
  readonly producers: Names
  readonly members: Names
  readonly topicIds: Names
  readonly startedAtMs: number
  readonly hasRestarted: boolean
}

/** Half an hour: a run is shorter, and timestamps that the script makes up for the future are further away. */
const RUN_MS_MAX = 1_800_000

/** Texts are for people, and each broker has its own; throttling does not happen. */
const IGNORED = new Set(['throttleTimeMs', 'errorMessage', 'batchIndexErrorMessage', 'documentation'])
/** Kafka's grow with each start, ours never change. */
const EPOCHS = new Set(['leaderEpoch', 'partitionLeaderEpoch', 'coordinatorEpoch'])
/** Arrays whose order is part of the answer; all others are sets that each broker gives in its own order. */
const ORDERED = new Set(['records', 'abortedTransactions'])

/** A UUID at the end, in the long form or in 22 characters. */
const MADE_UP = /-([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[\w-]{22})$/

/** An answer in which ids have the script's names and times of the run are 'now'. */
export function normalised(value: unknown, names: KnownNames, key = ''): unknown {
  if (value === null || value === undefined) return value
  if (Buffer.isBuffer(value))
    return key === 'records' ? normalised(decodeBatches(value), names, key) : value.toString('latin1')
  if (Array.isArray(value)) return list(value, names, key)
  if (typeof value === 'object') {
    const fields = Object.entries(value).filter(([name]) => !IGNORED.has(name))
    return Object.fromEntries(fields.map(([name, each]) => [name, normalised(each, names, name)]))
  }
  if (key === 'port') return 'port'
  if (key === 'sessionId' && value !== 0) return 'session'
  if (typeof value === 'number') return number(value, names, key)
  return typeof value === 'string' ? string(value, names, key) : value
}

function list(values: readonly unknown[], names: KnownNames, key: string): unknown[] {
  const items = values.map((each) => normalised(each, names, key))
  if (key === 'abortedTransactions') return sorted(items)
  if (key === 'responses') return sorted(together(items))
  return ORDERED.has(key) ? items : sorted(items)
}

interface FetchedTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: readonly unknown[]
}

/** A Fetch may name a topic once or once for each partition: only the partitions count. */
function together(items: readonly unknown[]): readonly unknown[] {
  const topics = new Map<string, FetchedTopic>()
  for (const item of items) {
    const fetched = item as Partial<FetchedTopic>
    const { topic, topicId = '', partitions } = fetched
    if (topic === undefined || partitions === undefined) return items
    const earlier = topics.get(topic + topicId)?.partitions ?? []
    topics.set(topic + topicId, { topic, topicId, partitions: sorted([...earlier, ...partitions]) })
  }
  return [...topics.values()]
}

function sorted(items: readonly unknown[]): unknown[] {
  return items.toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1))
}

function number(value: number, names: KnownNames, key: string): unknown {
  if (key === 'producerId') return names.producers.nameOf(String(value)) ?? (value < 0 ? value : 'unknown producer')
  if (names.hasRestarted && EPOCHS.has(key) && value >= 0) return 'epoch'
  const isNow = value > names.startedAtMs && value < names.startedAtMs + RUN_MS_MAX
  return isNow && /timestamp|TimeMs/i.test(key) ? 'now' : value
}

function string(value: string, names: KnownNames, key: string): unknown {
  if (key === 'topicId') return names.topicIds.nameOf(value) ?? (/^A+$/.test(value) ? 'none' : 'unknown topic id')
  if (key === 'host' || key === 'clientHost') return 'host'
  if (key === 'clusterId') return 'cluster'
  // A member that was not told its id yet: client or instance id, and what the broker made up.
  return names.members.nameOf(value) ?? value.replace(MADE_UP, '-made-up')
}
