import { DescribeGroups, KafkaError } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { Group } from '../group-coordinator/group.ts'
import { noAssignment } from '../group-coordinator/member.ts'
import { authorizedOperations, operationsNotAsked } from './authorized-operations.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * DescribeGroups (15), versions 0-6.
 * Behaviour: state, protocol and members of classic groups; protocol and metadata only while a group is stable. During
 * a rebalance members show what they had until then.
 * Versions: 3 tells what the client may do, if it asks; 4 adds instance ids, 6 reports an unknown group as GROUP_ID_NOT_FOUND (before: state Dead, no error).
 * Not done: nothing.
 */
export const describeGroups = handler(DescribeGroups, (request, broker, { version }) => {
  const operations = request.includeAuthorizedOperations ? authorizedOperations.group : operationsNotAsked
  const groups = request.groups.map((groupId) => describeOne(broker, groupId, version))
  return {
    throttleTimeMs: 0,
    groups: groups.map((group) => (isHere(group) ? { ...group, authorizedOperations: operations } : group)),
  }
})

function describeOne(broker: BrokerContext, groupId: string, version: number) {
  const misrouted = coordinatorProblem(broker, groupId)
  if (misrouted !== undefined) return { ...nobody, groupId, groupState: '', errorCode: misrouted.code }
  const group = broker.groups.get(groupId)
  if (group !== undefined) return describe(group)
  const isOther = broker.consumerGroups.get(groupId) !== undefined
  return unknownGroup(groupId, { version, reason: isOther ? 'is not a classic group' : 'not found' })
}

/** Of a group that is not there nobody may do anything; before version 6 it is shown as one that is dead. */
function isHere({ errorCode }: { errorCode: number }): boolean {
  return errorCode === KafkaError.NONE.code
}

function describe(group: Group) {
  const isStable = group.state === 'Stable'
  return {
    errorCode: KafkaError.NONE.code,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: Array.from(group.members.values(), (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? group.chosenMetadata(member) : noAssignment,
      memberAssignment: member.assignment,
    })),
  }
}

const nobody = { protocolType: '', protocolData: '', members: [] }

function unknownGroup(groupId: string, { version, reason }: { version: number; reason: string }) {
  const nothing = { ...nobody, groupId, groupState: 'Dead' }
  if (version < 6) return { errorCode: KafkaError.NONE.code, ...nothing }
  return { errorCode: KafkaError.GROUP_ID_NOT_FOUND.code, errorMessage: `Group ${groupId} ${reason}.`, ...nothing }
}
