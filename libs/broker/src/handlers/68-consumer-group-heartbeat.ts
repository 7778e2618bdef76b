import { ConsumerGroupHeartbeat, KafkaError } from '@keyfold/protocol'
import { partitionList, partitionSet } from '../consumer-groups/partition-set.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * ConsumerGroupHeartbeat (68), versions 0-1.
 * Behaviour: the whole consumer protocol (KIP-848): joins, goes on, learns of a new assignment, confirms what it gave
 * up, leaves. Answers once what it says is durable.
 * Versions: 1 adds regular expressions and members that choose their ids (KIP-1082).
 * Not done: members of a classic group in use cannot be joined with this protocol, nor the other way round.
 */
export const consumerGroupHeartbeat = handler(
  ConsumerGroupHeartbeat,
  async (request, broker, { version, clientId, clientHost }) => {
    const { consumerGroups, storage } = broker
    const misrouted = coordinatorProblem(broker, request.groupId)
    if (misrouted !== undefined) return { ...nothing, errorCode: misrouted.code, errorMessage: misrouted.text }
    if (!storage.acceptsWrites) {
      const { code, text } = KafkaError.COORDINATOR_NOT_AVAILABLE
      return { ...nothing, errorCode: code, errorMessage: text }
    }
    const { topicPartitions, ...rest } = request
    const owned = topicPartitions === null ? null : partitionSet(topicPartitions)
    const answer = consumerGroups.heartbeat({ ...rest, owned, clientId, clientHost, mustBringMemberId: version >= 1 })
    if ('error' in answer) return { ...nothing, errorCode: answer.error.code, errorMessage: answer.message }
    await storage.durable(answer.lsn)
    const { memberId, memberEpoch, heartbeatIntervalMs, assigned } = answer
    const assignment = assigned === undefined ? null : { topicPartitions: partitionList(assigned) }
    return { ...nothing, errorCode: KafkaError.NONE.code, memberId, memberEpoch, heartbeatIntervalMs, assignment }
  },
)

const nothing = { throttleTimeMs: 0, memberEpoch: 0, heartbeatIntervalMs: 0 }
