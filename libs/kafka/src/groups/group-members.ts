import { DescribeGroups } from '@keyfold/protocol'
import { brokerError, brokerErrorName } from '../broker-error.ts'
import type { Cluster } from '../cluster.ts'
import { Coordinator, groupCoordinatorType } from '../coordinator.ts'
import type { SeenMember } from '../kafka-groups.ts'
import { retrying } from '../retry.ts'
import { decodeAssignment } from './consumer-protocol.ts'

const deadlineMs = 10_000
/** From version 6 on a group that does not exist is an error (KIP-1043); before, and here, it has no members. */
const describeGroupsVersionMax = 5

export function groupMembers(cluster: Cluster, groupId: string): Promise<readonly SeenMember[]> {
  return retrying({ deadlineMs }, async () => {
    const coordinator = new Coordinator(cluster, groupId, 'main', groupCoordinatorType)
    const link = await coordinator.link()
    const request = { groups: [groupId], includeAuthorizedOperations: false }
    const { groups } = await link.ask(DescribeGroups, request, describeGroupsVersionMax)
    return groups.flatMap(({ errorCode, members }) => {
      if (errorCode !== 0) throw brokerError(brokerErrorName(errorCode), `group ${groupId}`)
      return members.map(({ memberId, memberAssignment }) => ({ memberId, ...decodeAssignment(memberAssignment) }))
    })
  })
}
