import { brokerErrorName, brokerError } from '../broker-error.ts'
import { KafkaClientError, type KafkaErrorCode } from '../errors.ts'

/** Broker errors that have a code of their own here, because a tool says something else about them. */
const codes: Readonly<Record<string, KafkaErrorCode>> = {
  INVALID_TOPIC_EXCEPTION: 'TOPIC_REFUSED',
  INVALID_PARTITIONS: 'TOPIC_REFUSED',
  INVALID_REPLICATION_FACTOR: 'TOPIC_REFUSED',
  INVALID_CONFIG: 'TOPIC_REFUSED',
  POLICY_VIOLATION: 'TOPIC_REFUSED',
  TOPIC_ALREADY_EXISTS: 'TOPIC_EXISTS',
  UNKNOWN_TOPIC_OR_PARTITION: 'UNKNOWN_TOPIC_OR_PARTITION',
  OFFSET_OUT_OF_RANGE: 'OFFSET_OUT_OF_RANGE',
  GROUP_ID_NOT_FOUND: 'GROUP_NOT_FOUND',
  NON_EMPTY_GROUP: 'GROUP_ACTIVE',
  UNKNOWN_MEMBER_ID: 'GROUP_ACTIVE',
  ILLEGAL_GENERATION: 'GROUP_ACTIVE',
  FENCED_MEMBER_EPOCH: 'GROUP_ACTIVE',
  STALE_MEMBER_EPOCH: 'GROUP_ACTIVE',
  REBALANCE_IN_PROGRESS: 'GROUP_ACTIVE',
}

/** Throws what a broker's error code means for a tool; does nothing for 0. */
export function throwIfRefused(errorCode: number, what: string, brokerSays?: string | null): void {
  if (errorCode === 0) return
  const error = brokerErrorName(errorCode)
  const code = codes[error]
  const says = brokerSays === null || brokerSays === undefined || brokerSays === '' ? '' : ` (${brokerSays})`
  if (code === 'UNKNOWN_TOPIC_OR_PARTITION')
    throw new KafkaClientError(code, `${what} does not exist`, { details: { error } })
  if (code !== undefined) throw new KafkaClientError(code, `${what}: ${error}${says}`, { details: { error } })
  throw brokerError(error, `${what}${says}`)
}
