import { KafkaError } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'

/** What a client hears that asks this node for a partition which another one leads. One node leads everything. */
export function leaderProblem(
  { cluster, catalog, node }: BrokerContext,
  topicName: string,
  partition: number,
): KafkaError | undefined {
  if (cluster.isSingle) return undefined
  const topic = catalog.get(topicName)
  if (topic === undefined || cluster.leaderOf(topic, partition).nodeId === node.nodeId) return undefined
  return KafkaError.NOT_LEADER_OR_FOLLOWER
}

/** The same for a consumer that may read from any replica (KIP-392). */
export function replicaProblem(
  { cluster, catalog, node }: BrokerContext,
  topicName: string,
  partition: number,
): KafkaError | undefined {
  if (cluster.isSingle) return undefined
  const topic = catalog.get(topicName)
  if (topic === undefined || cluster.replicasOf(topic, partition).includes(node.nodeId)) return undefined
  return KafkaError.NOT_LEADER_OR_FOLLOWER
}

/** What a client hears that asks this node about a group or transactional id which another one coordinates. */
export function coordinatorProblem({ cluster, node }: BrokerContext, key: string): KafkaError | undefined {
  // An empty key is nobody's, and every node says so.
  const isHere = cluster.isSingle || key === '' || cluster.coordinatorOf(key).nodeId === node.nodeId
  return isHere ? undefined : KafkaError.NOT_COORDINATOR
}
