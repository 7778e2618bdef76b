import { BufferReader } from '@keyfold/bytes'
import {
  type AnyApi,
  ConsumerGroupDescribe,
  DeleteGroups,
  DescribeGroups,
  FindCoordinator,
  ListGroups,
} from '@keyfold/protocol'
import type { Cluster } from '../cluster.ts'
import { KafkaClientError } from '../errors.ts'
import type { GroupDescription, GroupListing, GroupMember } from '../kafka-admin.ts'
import type { NodeLink } from '../node-link.ts'
import { retrying } from '../retry.ts'
import { throwIfRefused } from './refusal.ts'

const deadlineMs = 30_000
const groupKey = 0
/** One coordinator at a time, in versions before KIP-699. */
const findCoordinatorVersionMax = 3

/** A connection to the node that keeps a group, and that node's id. */
export async function groupCoordinator(cluster: Cluster, groupId: string): Promise<[link: NodeLink, nodeId: number]> {
  const any = await cluster.anyLink()
  const request = { key: groupId, keyType: groupKey, coordinatorKeys: [] }
  const { errorCode, errorMessage, nodeId } = await any.ask(FindCoordinator, request, findCoordinatorVersionMax)
  throwIfRefused(errorCode, `coordinator of group ${groupId}`, errorMessage)
  await cluster.refreshUnlessKnown(nodeId)
  return [await cluster.linkTo(nodeId), nodeId]
}

/** Every node lists the groups that it keeps. */
export function listGroups(cluster: Cluster): Promise<readonly GroupListing[]> {
  return retrying({ deadlineMs }, async () => {
    const { nodes } = await cluster.describe()
    const groups = new Map<string, GroupListing>()
    for (const { nodeId } of nodes) {
      const link = await cluster.linkTo(nodeId)
      const answer = await link.ask(ListGroups, { statesFilter: [], typesFilter: [] })
      throwIfRefused(answer.errorCode, `groups of node ${nodeId}`)
      const knows = (api: AnyApi, version: number): boolean => link.has(api, version)
      for (const { groupId, protocolType, groupState, groupType } of answer.groups)
        groups.set(groupId, {
          groupId,
          protocolType,
          state: knows(ListGroups, 4) ? groupState : undefined,
          type: knows(ListGroups, 5) ? groupType.toLowerCase() : undefined,
        })
    }
    return [...groups.values()].sort((left, right) => (left.groupId < right.groupId ? -1 : 1))
  })
}

/**
 * A group of consumers of the new protocol answers to its own request only, and a classic one to the old one: which
 * it is, is found out by asking for the new one first (KIP-848).
 */
export function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  return retrying({ deadlineMs }, async () => {
    const [link, coordinator] = await groupCoordinator(cluster, groupId)
    const modern = link.has(ConsumerGroupDescribe) ? await describeModern(link, groupId) : undefined
    const found = modern ?? (await describeClassic(link, groupId))
    if (found === undefined) throw new KafkaClientError('GROUP_NOT_FOUND', `there is no group ${groupId}`)
    return { ...found, coordinator }
  })
}

export function deleteGroup(cluster: Cluster, groupId: string): Promise<void> {
  return retrying({ deadlineMs }, async () => {
    const [link] = await groupCoordinator(cluster, groupId)
    const { results } = await link.ask(DeleteGroups, { groupsNames: [groupId] })
    for (const { errorCode } of results) throwIfRefused(errorCode, `group ${groupId}`)
  })
}

type Found = Omit<GroupDescription, 'coordinator'>

const groupIdNotFound = 69

async function describeModern(link: NodeLink, groupId: string): Promise<Found | undefined> {
  const { groups } = await link.ask(ConsumerGroupDescribe, { groupIds: [groupId], includeAuthorizedOperations: false })
  const group = groups[0]
  if (group === undefined || group.errorCode === groupIdNotFound) return undefined
  throwIfRefused(group.errorCode, `group ${groupId}`, group.errorMessage)
  const members = group.members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
    memberId,
    instanceId,
    clientId,
    host: clientHost,
    assignment: assignment.topicPartitions.flatMap(({ topicName, partitions }) =>
      partitions.map((partition) => ({ topic: topicName, partition })),
    ),
  }))
  return { groupId, type: 'consumer', state: group.groupState, assignor: group.assignorName, members }
}

async function describeClassic(link: NodeLink, groupId: string): Promise<Found | undefined> {
  const { groups } = await link.ask(DescribeGroups, { groups: [groupId], includeAuthorizedOperations: false })
  const group = groups[0]
  if (group === undefined || group.errorCode === groupIdNotFound) return undefined
  throwIfRefused(group.errorCode, `group ${groupId}`, group.errorMessage)
  // Older brokers describe what does not exist as a dead group.
  if (group.groupState === 'Dead') return undefined
  const members = group.members.map((member): GroupMember => {
    const { memberId, groupInstanceId, clientId, clientHost, memberAssignment } = member
    const assignment = group.protocolType === 'consumer' ? decodeAssignment(memberAssignment) : []
    return { memberId, instanceId: groupInstanceId, clientId, host: clientHost, assignment }
  })
  return { groupId, type: 'classic', state: group.groupState, assignor: group.protocolData, members }
}

/** ConsumerProtocolAssignment: a version, topics with their partitions, and user data that nobody reads here. */
function decodeAssignment(bytes: Buffer): GroupMember['assignment'] {
  if (bytes.length < 6) return []
  const reader = new BufferReader(bytes)
  reader.readInt16()
  const assignment: { topic: string; partition: number }[] = []
  for (let topics = reader.readInt32(); topics > 0; topics--) {
    const topic = reader.readString()
    for (let left = reader.readInt32(); left > 0; left--) assignment.push({ topic, partition: reader.readInt32() })
  }
  return assignment
}
