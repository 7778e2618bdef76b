import { KafkaError } from '@keyfold/protocol'
import type { Storage } from '@keyfold/storage'
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

interface World {
  catalog: TopicCatalog
  config: BrokerConfig
  storage: Storage
  node: { readonly nodeId: number }
}

/** What is to be created for a request, or why nothing can be (statement 53). */
export function checkNewTopic(
  world: World,
  request: NewTopicRequest,
): { partitionCount: number; configs: ReadonlyMap<string, string> } | TopicFailure {
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
  return room ?? { partitionCount: partitions.count, configs: configs.configs }
}

/** Why the broker cannot take so many partitions more, undefined if it can. */
export function partitionRoomProblem({ catalog, config }: World, more: number): TopicFailure | undefined {
  if (catalog.partitionCount + more <= config.number('keyfold.partitions.max')) return undefined
  return failure(KafkaError.POLICY_VIOLATION, 'The broker keeps no more partitions (keyfold.partitions.max).')
}

/** The replicas of a partition can only be this node. */
export function assignmentProblem(brokerIds: readonly number[], nodeId: number): TopicFailure | undefined {
  if (brokerIds.length === 1 && brokerIds[0] === nodeId) return undefined
  const text = `The only broker is ${nodeId}, but the assignment names [${brokerIds.join(', ')}].`
  return failure(KafkaError.INVALID_REPLICA_ASSIGNMENT, text)
}

function checkPartitions({ config, node }: World, request: NewTopicRequest): { count: number } | TopicFailure {
  const { assignments, numPartitions, replicationFactor } = request
  if (assignments.length > 0) return checkAssignments(request, node.nodeId)
  if (replicationFactor !== -1 && replicationFactor < 1) {
    return failure(
      KafkaError.INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 for the default.',
    )
  }
  if (replicationFactor > 1) {
    const text = `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ${replicationFactor} cannot be reached because only 1 broker(s) are registered.`
    return failure(KafkaError.INVALID_REPLICATION_FACTOR, text)
  }
  if (numPartitions === -1) return { count: config.number('num.partitions') }
  if (numPartitions >= 1) return { count: numPartitions }
  return failure(KafkaError.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.')
}

function checkAssignments(request: NewTopicRequest, nodeId: number): { count: number } | TopicFailure {
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
  const problems = assignments.map(({ brokerIds }) => assignmentProblem(brokerIds, nodeId))
  return problems.find((problem) => problem !== undefined) ?? { count: assignments.length }
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
