import { append } from './admin/append.ts'
import { alterTopicConfigs, topicConfigs } from './admin/topic-configs.ts'
import {
  createTopic,
  deleteRecords,
  deleteTopic,
  describeTopic,
  listTopics,
  setPartitionCount,
} from './admin/topic-requests.ts'
import { deleteGroup, describeGroup, listGroups } from './admin/group-requests.ts'
import { groupOffsets, setGroupOffsets } from './admin/group-offsets.ts'
import { offsetsAt } from './admin/offsets-at.ts'
import { clientSettings, type KafkaClientOptions } from './client-options.ts'
import { Cluster } from './cluster.ts'
import type { KafkaAdmin } from './kafka-admin.ts'

/**
 * Connects to a cluster to administer it: Apache Kafka 2.3 or newer, or the bundled broker.
 * Errors: `KAFKA_UNREACHABLE` (names the brokers), `KAFKA_INCOMPATIBLE`, `AUTHENTICATION_FAILED`.
 */
export async function connectKafkaAdmin(options: KafkaClientOptions): Promise<KafkaAdmin> {
  const cluster = new Cluster(clientSettings(options))
  try {
    await cluster.connect()
  } catch (error) {
    await cluster.close()
    throw error
  }
  return {
    cluster: () => cluster.describe(),
    listTopics: () => listTopics(cluster),
    describeTopic: (topic) => describeTopic(cluster, topic),
    createTopic: (topic) => createTopic(cluster, topic),
    deleteTopic: (topic) => deleteTopic(cluster, topic),
    setPartitionCount: (topic, partitions) => setPartitionCount(cluster, topic, partitions),
    topicConfigs: (topic) => topicConfigs(cluster, topic),
    alterTopicConfigs: (topic, changes) => alterTopicConfigs(cluster, topic, changes),
    deleteRecords: (topic, below) => deleteRecords(cluster, topic, below),
    offsets: (topic, at, isolation = 'uncommitted') => offsetsAt(cluster, topic, { at, isolation }),
    append: (write) => append(cluster, write),
    listGroups: () => listGroups(cluster),
    describeGroup: (groupId) => describeGroup(cluster, groupId),
    groupOffsets: (groupId) => groupOffsets(cluster, groupId),
    setGroupOffsets: (groupId, offsets) => setGroupOffsets(cluster, groupId, offsets),
    deleteGroup: (groupId) => deleteGroup(cluster, groupId),
    close: () => cluster.close(),
  }
}
