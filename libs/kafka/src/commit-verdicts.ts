/**
 * What each step of a transaction makes of the broker's error:
 * `retry` the same request, since it had no effect; `refused`, nothing of it will be visible and the producer can go on
 * once the transaction is aborted; `fenced` by a newer producer; `unknown`, give the producer up and look.
 */
export type Verdict = 'retry' | 'refused' | 'fenced' | 'unknown'

type Rows = Readonly<Record<string, Verdict>>

/** Kafka says 47 to clients of these versions, 90 to newer ones, 49 when the id's state is gone (broker.md 4.3). */
const fenced: Rows = {
  INVALID_PRODUCER_EPOCH: 'fenced',
  PRODUCER_FENCED: 'fenced',
  INVALID_PRODUCER_ID_MAPPING: 'fenced',
}

const coordinatorElsewhere: Rows = {
  COORDINATOR_LOAD_IN_PROGRESS: 'retry',
  COORDINATOR_NOT_AVAILABLE: 'retry',
  NOT_COORDINATOR: 'retry',
  CONCURRENT_TRANSACTIONS: 'retry',
}

const refusals: Rows = {
  MESSAGE_TOO_LARGE: 'refused',
  RECORD_LIST_TOO_LARGE: 'refused',
  CORRUPT_MESSAGE: 'refused',
  INVALID_RECORD: 'refused',
  INVALID_TIMESTAMP: 'refused',
  INVALID_REQUIRED_ACKS: 'refused',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'refused',
  INVALID_TOPIC_EXCEPTION: 'refused',
  TOPIC_AUTHORIZATION_FAILED: 'refused',
  CLUSTER_AUTHORIZATION_FAILED: 'refused',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'refused',
  POLICY_VIOLATION: 'refused',
  // KIP-890: abort, then the producer is sound again.
  TRANSACTION_ABORTABLE: 'refused',
}

const addPartitions: Rows = {
  ...fenced,
  ...coordinatorElsewhere,
  ...refusals,
  UNKNOWN_TOPIC_OR_PARTITION: 'refused',
  OPERATION_NOT_ATTEMPTED: 'refused',
}

const produce: Rows = {
  ...fenced,
  ...refusals,
  // Not appended here, or appended and found again by its sequence: the same bytes may be sent again.
  NOT_LEADER_OR_FOLLOWER: 'retry',
  LEADER_NOT_AVAILABLE: 'retry',
  UNKNOWN_TOPIC_OR_PARTITION: 'retry',
  NOT_ENOUGH_REPLICAS: 'retry',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'retry',
  KAFKA_STORAGE_ERROR: 'retry',
  FENCED_LEADER_EPOCH: 'retry',
  UNKNOWN_LEADER_EPOCH: 'retry',
  CONCURRENT_TRANSACTIONS: 'retry',
}

const endTxn: Rows = { ...fenced, ...coordinatorElsewhere }

const init: Rows = { ...coordinatorElsewhere, REQUEST_TIMED_OUT: 'retry', INVALID_PRODUCER_EPOCH: 'retry' }

export function judgeInit(errorName: string): Verdict {
  return init[errorName] ?? 'unknown'
}

export function judgeAddPartitions(errorName: string): Verdict {
  return addPartitions[errorName] ?? 'unknown'
}

export function judgeProduce(errorName: string): Verdict {
  return produce[errorName] ?? 'unknown'
}

export function judgeEndTxn(errorName: string): Verdict {
  return endTxn[errorName] ?? 'unknown'
}
