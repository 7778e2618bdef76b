import { KafkaError } from '@keyfold/protocol'
import type { Storage } from '@keyfold/storage'
import type { Cluster } from '../cluster.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { configProblem } from '../config/config-definition.ts'
import { topicConfigDefinition } from '../config/topic-configs.ts'
import type { TopicCatalog } from './topic-catalog.ts'
import { topicNameProblem } from './topic-name.ts'

export interface NewTopicRequest {
  name: string
  /** -1 for the broker's default. */
  numPartitions: number
  /** -1 for the broker's default. */
  replicationFactor: number
  /** Replicas by partition, instead of the two counts. */
  assignments: readonly { partitionIndex: number; brokerIds: readonly number[] }[]
  configs: readonly { name: string; value: string | null }[]
}

export interface TopicFailure {
  error: KafkaError
  message: string
}

/** A topic that can be created as it is. */
export interface CheckedTopic {
  partitionCount: number
  replicationFactor: number
  /** Nodes by partition, where the request chose them. */
  assignments: ReadonlyMap<number, readonly number[]>
  configs: ReadonlyMap<string, string>
}

interface World {
  catalog: TopicCatalog
  config: BrokerConfig
  storage: Storage
  cluster: Cluster
}

/** What is to be created for a request, or why nothing can be (statement 53). */
export function checkNewTopic(world: World, request: NewTopicRequest): CheckedTopic | TopicFailure {
  const { catalog, config, storage } = world
  const { name } = request
  if (!storage.acceptsWrites) return failure(KafkaError.KAFKA_STORAGE_ERROR, KafkaError.KAFKA_STORAGE_ERROR.text)
  const nameProblem = topicNameProblem(name)
  if (nameProblem !== undefined) return failure(KafkaError.INVALID_TOPIC_EXCEPTION, nameProblem)
  if (catalog.get(name) !== undefined)
    return failure(KafkaError.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
  const other = catalog.collisionWith(name)
  if (other !== undefined) {
    return failure(KafkaError.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${other}`)
  }
  const partitions = checkPartitions(world, request)
  if ('error' in partitions) return partitions
  const configs = checkConfigs(request.configs)
  if ('error' in configs) return configs
  if (catalog.size >= config.number('keyfold.topics.max')) {
    return failure(KafkaError.POLICY_VIOLATION, `The broker keeps no more topics (keyfold.topics.max).`)
  }
  const room = partitionRoomProblem(world, partitions.count)
  const { count, replicationFactor, assignments } = partitions
  return room ?? { partitionCount: count, replicationFactor, assignments, configs: configs.configs }
}

/** Why the broker cannot take so many partitions more, undefined if it can. */
export function partitionRoomProblem({ catalog, config }: World, more: number): TopicFailure | undefined {
  if (catalog.partitionCount + more <= config.number('keyfold.partitions.max')) return undefined
  return failure(KafkaError.POLICY_VIOLATION, 'The broker keeps no more partitions (keyfold.partitions.max).')
}

/** What is wrong with the replicas chosen for a partition: they are different nodes of this cluster. */
export function assignmentProblem(cluster: Cluster, brokerIds: readonly number[]): TopicFailure | undefined {
  const isValid = brokerIds.length > 0 && new Set(brokerIds).size === brokerIds.length
  if (isValid && brokerIds.every((nodeId) => cluster.get(nodeId) !== undefined)) return undefined
  const nodes = cluster.nodes.map(({ nodeId }) => nodeId).join(', ')
  const text = `The brokers are [${nodes}], but the assignment names [${brokerIds.join(', ')}].`
  return failure(KafkaError.INVALID_REPLICA_ASSIGNMENT, text)
}

type Partitions = Pick<CheckedTopic, 'replicationFactor' | 'assignments'> & { count: number }

function checkPartitions({ config, cluster }: World, request: NewTopicRequest): Partitions | TopicFailure {
  const { assignments, numPartitions } = request
  if (assignments.length > 0) return checkAssignments(request, cluster)
  const isDefault = request.replicationFactor === -1
  const replicationFactor = isDefault ? config.number('default.replication.factor') : request.replicationFactor
  if (replicationFactor < 1) {
    return failure(
      KafkaError.INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 for the default.',
    )
  }
  const brokerCount = cluster.nodes.length
  if (replicationFactor > brokerCount) {
    const text = `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ${replicationFactor} cannot be reached because only ${brokerCount} broker(s) are registered.`
    return failure(KafkaError.INVALID_REPLICATION_FACTOR, text)
  }
  const count = numPartitions === -1 ? config.number('num.partitions') : numPartitions
  if (count >= 1) return { count, replicationFactor, assignments: new Map() }
  return failure(KafkaError.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.')
}

function checkAssignments(request: NewTopicRequest, cluster: Cluster): Partitions | TopicFailure {
  const { assignments, numPartitions, replicationFactor } = request
  if (numPartitions !== -1 || replicationFactor !== -1) {
    const text = 'A manual partition assignment was given, but numPartitions or replicationFactor was not -1.'
    return failure(KafkaError.INVALID_REQUEST, text)
  }
  const indexes = new Set(assignments.map(({ partitionIndex }) => partitionIndex))
  const isConsecutive = indexes.size === assignments.length && assignments.every((_, index) => indexes.has(index))
  if (!isConsecutive) {
    return failure(
      KafkaError.INVALID_REPLICA_ASSIGNMENT,
      'Partitions should be a consecutive 0-based integer sequence.',
    )
  }
  const byPartition = new Map(assignments.map(({ partitionIndex, brokerIds }) => [partitionIndex, brokerIds]))
  const problem = assignmentsProblem(cluster, [...byPartition.values()])
  const size = assignments[0]?.brokerIds.length ?? 0
  return problem ?? { count: assignments.length, replicationFactor: size, assignments: byPartition }
}

/** What is wrong with the replicas chosen for several partitions, which have equally many. */
export function assignmentsProblem(
  cluster: Cluster,
  assignments: readonly (readonly number[])[],
  size = assignments[0]?.length,
): TopicFailure | undefined {
  for (const brokerIds of assignments) {
    const problem = assignmentProblem(cluster, brokerIds)
    if (problem !== undefined) return problem
  }
  if (assignments.every(({ length }) => length === size)) return undefined
  return failure(KafkaError.INVALID_REPLICA_ASSIGNMENT, 'All partitions of a topic have equally many replicas.')
}

function checkConfigs(configs: NewTopicRequest['configs']): { configs: ReadonlyMap<string, string> } | TopicFailure {
  const checked = new Map<string, string>()
  for (const { name, value } of configs) {
    const problem = topicConfigProblem(name, value)
    if (problem !== undefined) return failure(KafkaError.INVALID_CONFIG, problem)
    if (value !== null) checked.set(name, value)
  }
  return { configs: checked }
}

/** What is wrong with a topic's setting, undefined if nothing is. */
function topicConfigProblem(key: string, value: string | null): string | undefined {
  const definition = topicConfigDefinition(key)
  if (definition === undefined) return `Unknown topic config name: ${key}`
  return value === null ? `Null value not supported for topic config ${key}` : configProblem(key, definition, value)
}

function failure(error: KafkaError, message: string): TopicFailure {
  return { error, message }
}
