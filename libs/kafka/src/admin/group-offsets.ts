import { OffsetCommit, OffsetFetch } from '@keyfold/protocol'
import type { Cluster } from '../cluster.ts'
import type { GroupOffset } from '../kafka-admin.ts'
import { retrying } from '../retry.ts'
import { groupCoordinator } from './group-requests.ts'
import { throwIfRefused } from './refusal.ts'

const deadlineMs = 30_000
/** One group in one request, topics by name. */
const versionMax = 7
/** What a committer that is not a member says: only a group without members takes it. */
const outsider = { generationIdOrMemberEpoch: -1, memberId: '' }

export function groupOffsets(cluster: Cluster, groupId: string): Promise<readonly GroupOffset[]> {
  return retrying({ deadlineMs }, async () => {
    const [link] = await groupCoordinator(cluster, groupId)
    const { errorCode, topics } = await link.ask(OffsetFetch, { groupId, topics: null, groups: [] }, versionMax)
    throwIfRefused(errorCode, `offsets of group ${groupId}`)
    return topics
      .flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, committedOffset, metadata, errorCode: error }) => {
          throwIfRefused(error, `offset of group ${groupId} in ${name}/${partitionIndex}`)
          return { topic: name, partition: partitionIndex, offset: committedOffset, metadata: metadata ?? '' }
        }),
      )
      .filter(({ offset }) => offset >= 0)
      .sort((left, right) => (left.topic === right.topic ? left.partition - right.partition : compare(left, right)))
  })
}

export function setGroupOffsets(cluster: Cluster, groupId: string, offsets: readonly GroupOffset[]): Promise<void> {
  return retrying({ deadlineMs }, async () => {
    const [link] = await groupCoordinator(cluster, groupId)
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition, offset, metadata = '' }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedMetadata: metadata,
      })),
    }))
    const answer = await link.ask(OffsetCommit, { groupId, ...outsider, topics }, versionMax)
    for (const { name, partitions } of answer.topics)
      for (const { partitionIndex, errorCode } of partitions)
        throwIfRefused(errorCode, `offset of group ${groupId} in ${name}/${partitionIndex}`)
  })
}

function compare(left: GroupOffset, right: GroupOffset): number {
  return left.topic < right.topic ? -1 : 1
}
