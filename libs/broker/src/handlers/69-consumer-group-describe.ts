import { ConsumerGroupDescribe, KafkaError } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { ConsumerGroup } from '../consumer-groups/consumer-group.ts'
import type { ConsumerMember } from '../consumer-groups/consumer-member.ts'
import { partitionList, type PartitionSet, union } from '../consumer-groups/partition-set.ts'
import { authorizedOperations, operationsNotAsked } from './authorized-operations.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * ConsumerGroupDescribe (69), versions 0-1.
 * Behaviour: epochs, state and members of groups of the consumer protocol, with what each member has and is to have;
 * other groups are not found here. What the client may do with them, if it asks.
 * Versions: 1 adds the type of each member (KIP-1099).
 * Not done: nothing.
 */
export const consumerGroupDescribe = handler(ConsumerGroupDescribe, async (request, broker) => {
  const operations = request.includeAuthorizedOperations ? authorizedOperations.group : operationsNotAsked
  const groups = request.groupIds.map((groupId) => describe(broker, groupId, operations))
  const lsns = request.groupIds.map((groupId) => broker.consumerGroups.get(groupId)?.lsn ?? 0)
  await broker.storage.durable(Math.max(0, ...lsns))
  return { throttleTimeMs: 0, groups }
})

function describe(broker: BrokerContext, groupId: string, operations: number) {
  const misrouted = coordinatorProblem(broker, groupId)
  if (misrouted !== undefined) return nothing(groupId, misrouted)
  if (groupId === '') return nothing(groupId, KafkaError.INVALID_GROUP_ID)
  const group = broker.consumerGroups.get(groupId)
  if (group !== undefined) return { ...found(broker, group), authorizedOperations: operations }
  const isClassic = broker.groups.get(groupId) !== undefined
  const text = `Group ${groupId} ${isClassic ? 'is not a consumer group' : 'not found'}.`
  return nothing(groupId, KafkaError.GROUP_ID_NOT_FOUND, text)
}

function nothing(groupId: string, { code: errorCode }: KafkaError, errorMessage: string | null = null) {
  const unknown = { groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] }
  return { errorCode, errorMessage, groupId, ...unknown }
}

function found(broker: BrokerContext, group: ConsumerGroup) {
  const { groupId, groupEpoch, assignmentEpoch, state } = group
  const named = (set: PartitionSet) => ({
    // A topic that was deleted has no name any more, and nobody can read it.
    topicPartitions: partitionList(set).flatMap(({ topicId, partitions }) => {
      const topic = broker.catalog.byId(topicId)
      return topic === undefined ? [] : [{ topicId, topicName: topic.name, partitions }]
    }),
  })
  const member = ({ assigned, instanceId, rackId, ...rest }: ConsumerMember) => ({
    memberId: rest.memberId,
    instanceId,
    rackId,
    memberEpoch: rest.memberEpoch,
    clientId: rest.clientId,
    clientHost: rest.clientHost,
    subscribedTopicNames: rest.subscribedTopicNames,
    subscribedTopicRegex: rest.subscribedTopicRegex,
    assignment: named(union(assigned, rest.pendingRevocation)),
    targetAssignment: named(group.targetOf(rest.memberId)),
    memberType: rest.classic === null ? consumerMember : classicMember,
  })
  return {
    errorCode: KafkaError.NONE.code,
    groupId,
    groupState: state,
    groupEpoch,
    assignmentEpoch,
    assignorName: broker.consumerGroups.assignorOf(group),
    members: Array.from(group.members.values(), member),
  }
}

/** The numbers of members by the protocol they speak. */
const classicMember = 0
const consumerMember = 1
