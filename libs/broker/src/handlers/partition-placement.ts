import { KafkaError } from '@keyfold/protocol'
import type { Cluster } from '../cluster.ts'
import type { Topic } from '../topics/topic.ts'

/** What Metadata and DescribeTopicPartitions both say of a partition: who leads it, and who has it. */
export function partitionPlacement(cluster: Cluster, topic: Topic, partitionIndex: number) {
  const replicas = cluster.replicasOf(topic, partitionIndex)
  return {
    errorCode: KafkaError.NONE.code,
    partitionIndex,
    leaderId: replicas[0] ?? cluster.controllerId,
    leaderEpoch: 0,
    replicaNodes: replicas,
    isrNodes: replicas,
    offlineReplicas: [],
  }
}
