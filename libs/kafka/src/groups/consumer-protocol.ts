import { BufferReader } from '@keyfold/bytes'
import type { MemberShare } from '../kafka-groups.ts'

/**
 * What members of a consumer group tell each other through the broker, in version 0 of both formats: tools of any make
 * can show who has which partitions. `userData` is the members' own.
 * Formats: clients/src/main/resources/common/message/ConsumerProtocol{Subscription,Assignment}.json.
 */
export function encodeSubscription(topic: string, userData: Buffer): Buffer {
  return Buffer.concat([int16(0), int32(1), text(topic), int32(userData.length), userData])
}

export function encodeAssignment(topic: string, { partitions, userData }: MemberShare): Buffer {
  const topics = partitions.length === 0 ? [int32(0)] : [int32(1), text(topic), int32(partitions.length)]
  return Buffer.concat([int16(0), ...topics, ...partitions.map(int32), int32(userData.length), userData])
}

/** The user data of a subscription. */
export function decodeSubscription(bytes: Buffer): Buffer {
  const reader = new BufferReader(bytes)
  reader.readInt16()
  for (let topics = reader.readInt32(); topics > 0; topics--) reader.readString()
  return readUserData(reader)
}

/** What a member was given; nothing when the bytes are empty, as they are while a group forms. */
export function decodeAssignment(bytes: Buffer): MemberShare {
  if (bytes.length === 0) return { partitions: [], userData: Buffer.alloc(0) }
  const reader = new BufferReader(bytes)
  reader.readInt16()
  const partitions: number[] = []
  for (let topics = reader.readInt32(); topics > 0; topics--) {
    reader.readString()
    for (let left = reader.readInt32(); left > 0; left--) partitions.push(reader.readInt32())
  }
  return { partitions, userData: readUserData(reader) }
}

function readUserData(reader: BufferReader): Buffer {
  const length = reader.readInt32()
  return length <= 0 ? Buffer.alloc(0) : Buffer.from(reader.readBytes(length))
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
