import { BufferWriter } from '@keyfold/bytes'
import type { TopicPartitions } from './operation.ts'

/** What a consumer of version 0 tells its group in JoinGroup: topics, and no data of its own. */
export function subscription(topics: readonly string[]): Buffer {
  const writer = new BufferWriter()
  writer.writeInt16(0)
  writer.writeInt32(topics.length)
  for (const topic of topics) writer.writeString(topic)
  writer.writeInt32(-1)
  return Buffer.from(writer.toBuffer())
}

/** What its leader gives it in SyncGroup: partitions, and no data of its own. */
export function assignment(topics: readonly TopicPartitions[]): Buffer {
  const writer = new BufferWriter()
  writer.writeInt16(0)
  writer.writeInt32(topics.length)
  for (const { topic, partitions } of topics) {
    writer.writeString(topic)
    writer.writeInt32(partitions.length)
    for (const partition of partitions) writer.writeInt32(partition)
  }
  writer.writeInt32(-1)
  return Buffer.from(writer.toBuffer())
}
