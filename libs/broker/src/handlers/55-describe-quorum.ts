import { DescribeQuorum, KafkaError } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { handler } from './handler.ts'

/**
 * DescribeQuorum (55), versions 0-2.
 * Behaviour: the metadata log has one voter, which leads it: this process. Its offsets are those of the journal.
 * Versions: 1 times, 2 messages and addresses.
 * Not done: more voters.
 */
export const describeQuorum = handler(DescribeQuorum, ({ topics }, broker, { version }) => ({
  errorCode: KafkaError.NONE.code,
  errorMessage: null,
  topics: topics.map(({ topicName, partitions }) => ({
    topicName,
    partitions: partitions.map(({ partitionIndex }) => describe(broker, topicName, partitionIndex)),
  })),
  nodes: version >= 2 ? [controllerOf(broker)] : [],
}))

function controllerOf({ cluster, node }: BrokerContext) {
  const { host, port } = cluster.get(cluster.controllerId) ?? node
  return { nodeId: cluster.controllerId, listeners: [{ name: 'CONTROLLER', host, port }] }
}

function describe({ storage, cluster, clock }: BrokerContext, topicName: string, partitionIndex: number) {
  const nothing = { leaderEpoch: -1, highWatermark: -1, currentVoters: [], observers: [] }
  if (topicName !== '__cluster_metadata' || partitionIndex !== 0) {
    const { code, text } = KafkaError.UNKNOWN_TOPIC_OR_PARTITION
    return { partitionIndex, errorCode: code, errorMessage: text, leaderId: -1, ...nothing }
  }
  const nowMs = clock.wall()
  const times = { lastFetchTimestamp: nowMs, lastCaughtUpTimestamp: nowMs }
  return {
    partitionIndex,
    errorCode: KafkaError.NONE.code,
    errorMessage: null,
    leaderId: cluster.controllerId,
    leaderEpoch: 1,
    highWatermark: storage.durableLsn + 1,
    currentVoters: [{ replicaId: cluster.controllerId, logEndOffset: storage.lastLsn + 1, ...times }],
    observers: [],
  }
}
