import type { KafkaAdmin } from '@keyfold/kafka'
import { listOf, objectOf, orNull, text, whole } from '../json-schema.ts'

/** How far a group is behind in one partition. Null: the group has not said yet where it stands. */
export interface PartitionLag {
  readonly topic: string
  readonly partition: number
  readonly offset: number | null
  readonly endOffset: number
  readonly lag: number | null
  /** The member that reads it; null for none. */
  readonly member: string | null
}

export interface GroupLag {
  readonly group: string
  readonly state: string
  readonly lag: number
  readonly partitions: readonly PartitionLag[]
}

/** The members of a `GroupLag` in the published schema. */
export const lagMembers = {
  group: text,
  state: text,
  lag: whole,
  partitions: listOf(
    objectOf({
      topic: text,
      partition: whole,
      offset: orNull(whole),
      endOffset: whole,
      lag: orNull(whole),
      member: orNull(text),
    }),
  ),
}

/**
 * The lag of a group in every partition that it reads or has read: records that readers of committed data will see and
 * the group has not passed. Errors: `GROUP_NOT_FOUND`.
 */
export async function groupLag(admin: KafkaAdmin, groupId: string): Promise<GroupLag> {
  const [{ state, members }, offsets] = await Promise.all([admin.describeGroup(groupId), admin.groupOffsets(groupId)])
  const readers = new Map(
    members.flatMap(({ memberId, assignment }) => assignment.map((each) => [keyOf(each), memberId] as const)),
  )
  const positions = new Map(offsets.map(({ topic, partition, offset }) => [keyOf({ topic, partition }), offset]))
  const assigned = members.flatMap(({ assignment }) => assignment)
  const places = new Map(
    [...offsets, ...assigned].map(({ topic, partition }) => [keyOf({ topic, partition }), { topic, partition }]),
  )
  const ends = await endOffsets(admin, [...new Set([...places.values()].map(({ topic }) => topic))])
  const partitions = [...places].flatMap(([key, { topic, partition }]) => {
    const endOffset = ends.get(topic)?.[partition]
    // A topic that was deleted leaves offsets behind for a while: nobody is late in it.
    if (endOffset === undefined) return []
    const offset = positions.get(key) ?? null
    const lag = offset === null ? null : Math.max(0, endOffset - offset)
    return [{ topic, partition, offset, endOffset, lag, member: readers.get(key) ?? null }]
  })
  partitions.sort((left, right) =>
    left.topic === right.topic ? left.partition - right.partition : left.topic < right.topic ? -1 : 1,
  )
  return { group: groupId, state, lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0), partitions }
}

async function endOffsets(
  admin: KafkaAdmin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const existing = new Set((await admin.listTopics()).map(({ name }) => name))
  const found = topics.filter((topic) => existing.has(topic))
  return new Map(
    await Promise.all(found.map(async (topic) => [topic, await admin.offsets(topic, 'latest', 'committed')] as const)),
  )
}

function keyOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`
}
