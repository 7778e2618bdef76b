import { KafkaError } from '@keyfold/protocol'
import { type AssignorName, isAssignorName } from './assignor.ts'
import type { PartitionSet } from './partition-set.ts'
import { patternProblem } from './subscriptions.ts'

/** What a member says of itself; null (or -1) for what has not changed since it said so last. */
export interface HeartbeatRequest {
  readonly groupId: string
  readonly memberId: string
  /** 0 joins, -1 leaves, -2 leaves as a static member that will be back. */
  readonly memberEpoch: number
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicNames: readonly string[] | null
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  readonly owned: PartitionSet | null
  /** Version 1 of the API: members choose their ids themselves (KIP-1082). */
  readonly mustBringMemberId: boolean
}

/** Why a request is turned down, in Kafka's words. */
export interface Refusal {
  readonly error: KafkaError
  readonly message: string
}

/** What is wrong with a request whatever the state of its group, undefined if nothing is (statements 71 and 72). */
export function requestProblem(request: HeartbeatRequest, assignorNames: readonly AssignorName[]): Refusal | undefined {
  const text = formProblem(request)
  if (text !== undefined) return { error: KafkaError.INVALID_REQUEST, message: text }
  const { serverAssignor, subscribedTopicRegex } = request
  if (serverAssignor !== null && !(isAssignorName(serverAssignor) && assignorNames.includes(serverAssignor))) {
    const known = assignorNames.join(', ')
    const message = `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${known}.`
    return { error: KafkaError.UNSUPPORTED_ASSIGNOR, message }
  }
  const problem = subscribedTopicRegex === null ? undefined : patternProblem(subscribedTopicRegex)
  return problem === undefined ? undefined : { error: KafkaError.INVALID_REGULAR_EXPRESSION, message: problem }
}

function formProblem(request: HeartbeatRequest): string | undefined {
  const { memberId, memberEpoch, instanceId } = request
  if (request.groupId === '') return "GroupId can't be empty."
  if (instanceId === '') return "InstanceId can't be empty."
  if (request.rackId === '') return "RackId can't be empty."
  if (memberEpoch < -2) return 'MemberEpoch is invalid.'
  if (memberId === '' && (request.mustBringMemberId || memberEpoch !== 0)) return "MemberId can't be empty."
  if (memberEpoch === -2 && instanceId === null) return "InstanceId can't be null."
  return memberEpoch === 0 ? joinProblem(request) : undefined
}

function joinProblem({ rebalanceTimeoutMs, owned, ...request }: HeartbeatRequest): string | undefined {
  if (rebalanceTimeoutMs === -1) return 'RebalanceTimeoutMs must be provided in first request.'
  if (owned === null || owned.size > 0) return 'TopicPartitions must be empty when (re-)joining.'
  if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
    return 'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.'
  }
  return undefined
}
