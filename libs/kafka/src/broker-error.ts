import { errorCodes } from 'kafkajs/src/protocol/error.js'
import { KafkaClientError } from './errors.ts'

/** Codes that kafkajs 2.2.4 has no name for, as far as they can reach this client. */
const moreNames: readonly (readonly [number, string])[] = [
  [0, 'NONE'],
  [89, 'THROTTLING_QUOTA_EXCEEDED'],
  [100, 'UNKNOWN_TOPIC_ID'],
  [120, 'TRANSACTION_ABORTABLE'],
]
const names = new Map<number, string>([...errorCodes.map(({ code, type }) => [code, type] as const), ...moreNames])

/** Kafka's name of an error code; kafkajs's older names are given as Kafka has them now. */
export function brokerErrorName(code: number): string {
  const name = names.get(code) ?? `ERROR_${code}`
  return renamed.get(name) ?? name
}

const renamed: ReadonlyMap<string, string> = new Map([
  ['NOT_LEADER_FOR_PARTITION', 'NOT_LEADER_OR_FOLLOWER'],
  ['GROUP_COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE'],
  ['NOT_COORDINATOR_FOR_GROUP', 'NOT_COORDINATOR'],
  ['GROUP_LOAD_IN_PROGRESS', 'COORDINATOR_LOAD_IN_PROGRESS'],
])

/** Answers that mean "not here, or not yet": look the leader or coordinator up again and repeat. */
const transient: ReadonlySet<string> = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REPLICA_NOT_AVAILABLE',
  'BROKER_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'NOT_CONTROLLER',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'REQUEST_TIMED_OUT',
  'LISTENER_NOT_FOUND',
  'OFFSET_NOT_AVAILABLE',
  'UNSTABLE_OFFSET_COMMIT',
])

export function isTransient(errorName: string): boolean {
  return transient.has(errorName)
}

/** A broker's refusal as an error of this client. */
export function brokerError(errorName: string, what: string): KafkaClientError {
  if (isTransient(errorName)) return new KafkaClientError('BROKER_BUSY', `${what}: ${errorName}`)
  if (errorName === 'UNKNOWN_TOPIC_OR_PARTITION') return new KafkaClientError(errorName, `${what}: no such partition`)
  if (errorName === 'INVALID_TOPIC_EXCEPTION') return new KafkaClientError('TOPIC_REFUSED', `${what}: ${errorName}`)
  return new KafkaClientError('BROKER_REFUSED', `${what}: ${errorName}`, { details: { error: errorName } })
}
