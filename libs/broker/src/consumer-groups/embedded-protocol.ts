import { BufferReader, BufferWriter, MalformedBytes } from '@keyfold/bytes'
import { noPartitions, type PartitionSet, partitionSet } from './partition-set.ts'

/**
 * What consumers of the classic protocol tell each other through their group, as far as a coordinator has to read it
 * once it assigns for them (KIP-848, migration of groups in use).
 * Format: clients/src/main/resources/common/message/ConsumerProtocolSubscription.json and …Assignment.json.
 */

/** Topics by id and by name. */
export interface TopicNames {
  get(name: string): { readonly id: string } | undefined
  byId(id: string): { readonly name: string } | undefined
}

export interface EmbeddedSubscription {
  readonly version: number
  readonly topics: readonly string[]
  /** What the member still has; nothing for consumers that give up everything before they join (version 0). */
  readonly owned: PartitionSet
  readonly rackId: string | null
}

/** What a member says in JoinGroup; undefined if it cannot be read. */
export function readSubscription(metadata: Buffer, topics: TopicNames): EmbeddedSubscription | undefined {
  return readable(() => {
    const reader = new BufferReader(metadata)
    const version = reader.readInt16()
    const names = Array.from({ length: countIn(reader) }, () => reader.readString())
    reader.readNullableBytes()
    const owned = version >= 1 ? readPartitions(reader, topics) : noPartitions
    if (version >= 2) reader.readInt32() // the generation that it owns them from
    const rackId = version >= 3 ? reader.readNullableString() : null
    return { version, topics: [...new Set(names)].toSorted(), owned, rackId }
  })
}

/**
 * What a leader has assigned to a member; undefined if it cannot be read, or carries data of its own, which would be
 * lost. An empty one is that of a member that has not got any yet.
 */
export function readAssignment(assignment: Buffer, topics: TopicNames): PartitionSet | undefined {
  if (assignment.length === 0) return noPartitions
  return readable(() => {
    const reader = new BufferReader(assignment)
    reader.readInt16()
    const partitions = readPartitions(reader, topics)
    const userData = reader.remaining > 0 ? reader.readNullableBytes() : null
    return userData === null || userData.length === 0 ? partitions : undefined
  })
}

/** An assignment as members of the classic protocol read it. */
export function writeAssignment(assigned: PartitionSet, topics: TopicNames, version: number): Buffer {
  const named = [...assigned].flatMap(([topicId, partitions]) => {
    const name = topics.byId(topicId)?.name
    return name === undefined ? [] : [{ name, partitions: [...partitions].toSorted((a, b) => a - b) }]
  })
  const writer = new BufferWriter()
  writer.writeInt16(Math.min(version, newestVersion))
  writer.writeInt32(named.length)
  for (const { name, partitions } of named) {
    writer.writeString(name)
    writer.writeInt32(partitions.length)
    for (const partition of partitions) writer.writeInt32(partition)
  }
  writer.writeNullableBytes(null)
  return Buffer.from(writer.toBuffer())
}

const newestVersion = 3

function readPartitions(reader: BufferReader, topics: TopicNames): PartitionSet {
  const list = Array.from({ length: countIn(reader) }, () => {
    const topicId = topics.get(reader.readString())?.id
    const partitions = Array.from({ length: countIn(reader) }, () => reader.readInt32())
    return topicId === undefined ? [] : [{ topicId, partitions }]
  })
  return partitionSet(list.flat())
}

/** A count is believed only as far as bytes remain: every item has at least two. */
function countIn(reader: BufferReader): number {
  const count = reader.readInt32()
  if (count < 0 || count * 2 > reader.remaining) {
    throw new MalformedBytes('INVALID_VALUE', reader.position, `${count} items`)
  }
  return count
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}
