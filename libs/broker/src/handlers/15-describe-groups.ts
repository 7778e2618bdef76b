import { DescribeGroups, KafkaError } from '@keyfold/protocol'
import type { Group } from '../group-coordinator/group.ts'
import { noAssignment } from '../group-coordinator/member.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * DescribeGroups (15), versions 0-6.
 * Behaviour: state, protocol and members of classic groups; metadata and assignments only while a group is stable.
 * Versions: 4 adds instance ids, 6 reports an unknown group as GROUP_ID_NOT_FOUND (before: state Dead, no error).
 * Not done: authorized operations (there is no authorizer: all are left out).
 */
export const describeGroups = handler(DescribeGroups, (request, broker, { version }) => ({
  throttleTimeMs: 0,
  groups: request.groups.map((groupId) => {
    const misrouted = coordinatorProblem(broker, groupId)
    if (misrouted !== undefined) return { ...nobody, groupId, groupState: '', errorCode: misrouted.code }
    const group = broker.groups.get(groupId)
    if (group !== undefined) return describe(group)
    const isOther = broker.consumerGroups.get(groupId) !== undefined
    return unknownGroup(groupId, { version, reason: isOther ? 'is not a classic group' : 'not found' })
  }),
}))

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
      memberAssignment: isStable ? member.assignment : noAssignment,
    })),
  }
}

const nobody = { protocolType: '', protocolData: '', members: [] }

function unknownGroup(groupId: string, { version, reason }: { version: number; reason: string }) {
  const nothing = { ...nobody, groupId, groupState: 'Dead' }
  if (version < 6) return { errorCode: KafkaError.NONE.code, ...nothing }
  return { errorCode: KafkaError.GROUP_ID_NOT_FOUND.code, errorMessage: `Group ${groupId} ${reason}.`, ...nothing }
}
