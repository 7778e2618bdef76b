/**
 * The smallest requests of some APIs, about one topic and partition, or one group: whatever is odd about them is given.
 * From them on fields have the protocol's names, so that any of them can be said otherwise.
 */

type Odd = Readonly<Record<string, unknown>>

const TIMEOUT_MS = 1_000

/** One topic with one partition, each with what they need. */
function topicWith(topic: Odd, partition: Odd, partitions = 'partitions') {
  return { ...topic, [partitions]: [partition] }
}

export function fetching(topic: Odd, partition: Odd = {}, rest: Odd = {}) {
  const one = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000, ...partition }
  return {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 10_000,
    isolationLevel: 0,
    topics: [topicWith(topic, one)],
    ...rest,
  }
}

export function producing(topic: Odd, timestamp: number) {
  const records = { $: 'batches', of: [{ records: [{ key: 'k', value: 'odd', timestamp }] }] }
  const topicData = [topicWith(topic, { index: 0, records }, 'partitionData')]
  return { transactionalId: null, acks: 1, timeoutMs: TIMEOUT_MS, topicData }
}

export function listing(name: string, partition: Odd = {}, rest: Odd = {}) {
  const one = { partitionIndex: 0, timestamp: -1, ...partition }
  return { replicaId: -1, isolationLevel: 0, topics: [topicWith({ name }, one)], ...rest }
}

export function askingEpoch(topic: string, partition: Odd = {}) {
  return { replicaId: -1, topics: [topicWith({ topic }, { partition: 0, leaderEpoch: 0, ...partition })] }
}

export function deletingRecords(name: string, partition: Odd = {}) {
  return { topics: [topicWith({ name }, { partitionIndex: 0, offset: 0, ...partition })], timeoutMs: TIMEOUT_MS }
}

export function committing(topic: Odd, partition: Odd = {}, rest: Odd = {}) {
  return {
    groupId: 'odd',
    topics: [topicWith(topic, { partitionIndex: 0, committedOffset: 1, ...partition })],
    ...rest,
  }
}

export function fetchingOffsets(name: string, partitionIndex = 0) {
  return { groupId: 'odd', topics: [{ name, partitionIndexes: [partitionIndex] }] }
}

export function describingProducers(name: string, partition = 0) {
  return { topics: [{ name, partitionIndexes: [partition] }] }
}

export function growing(topics: readonly Odd[]) {
  const all = topics.map((topic) => ({ count: 9, assignments: null, ...topic }))
  return { topics: all, timeoutMs: TIMEOUT_MS, validateOnly: true }
}

export function electing(topic: string, partition = 0, rest: Odd = {}) {
  return { topicPartitions: [{ topic, partitions: [partition] }], timeoutMs: TIMEOUT_MS, ...rest }
}

export function deletingTopic(topic: Odd) {
  return { topics: [topic], timeoutMs: TIMEOUT_MS }
}

export function describingTopic(name: string, rest: Odd = {}) {
  return { topics: [{ name }], responsePartitionLimit: 10, ...rest }
}

export function describingConfigs(resourceType: number, resourceName: string, configurationKeys: readonly string[]) {
  return { resources: [{ resourceType, resourceName, configurationKeys }] }
}

/** Nobody's transaction. */
export function nobodys(rest: Odd) {
  return { transactionalId: 'no-such-id', producerId: 4_000_000, producerEpoch: 0, ...rest }
}

export const aclFilter = {
  resourceTypeFilter: 2,
  resourceNameFilter: null,
  patternTypeFilter: 3,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}

export const acl = {
  resourceType: 2,
  resourceName: 'x',
  resourcePatternType: 3,
  principal: 'User:x',
  host: '*',
  operation: 2,
  permissionType: 3,
}
