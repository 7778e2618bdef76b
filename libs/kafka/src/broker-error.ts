import { kafkaErrorByCode } from '@keyfold/protocol'
import { KafkaClientError } from './errors.ts'

/** Kafka's name of an error code. */
export function brokerErrorName(errorCode: number): string {
  const { code, name } = kafkaErrorByCode(errorCode)
  return code === errorCode ? name : `ERROR_${errorCode}`
}

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
