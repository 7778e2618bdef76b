import { BufferWriter } from '@keyfold/bytes'

/** What a consumer of version 0 tells its group in JoinGroup: topics, and no data of its own. */
export function subscription(topics: readonly string[]): Buffer {
  const writer = new BufferWriter()
  writer.writeInt16(0)
  writer.writeInt32(topics.length)
  for (const topic of topics) writer.writeString(topic)
  writer.writeInt32(-1)
  return Buffer.from(writer.toBuffer())
}
