import { BufferReader, BufferWriter } from '@keyfold/bytes'
import type { JournaledState, Storage } from '@keyfold/storage'
import { fromPayload, journalKinds, toPayload } from '../journal-kinds.ts'

/** Where a group stands in one partition. */
export interface CommittedOffset {
  /** The next offset to read. */
  offset: number
  /** Leader epoch of the last consumed record, -1 if the client does not say. */
  leaderEpoch: number
  /** Whatever the client wants to find again. */
  metadata: string | null
  /** Wall clock, milliseconds. */
  timestampMs: number
  /** Only of clients older than OffsetCommit v5, which choose their own retention; otherwise -1. */
  expireTimestampMs: number
}

export interface TopicPartition {
  topic: string
  partition: number
}

export type OffsetEntry = CommittedOffset & TopicPartition

/** `lsn` of the entry that made the commit: tells which of two commits is the later one. */
type StoredOffset = OffsetEntry & { lsn: number }
type ByPartition = Map<string, StoredOffset>

/**
 * The committed offsets of all groups, journaled. Offsets of running transactions are the transaction coordinator's;
 * it hands them over here in the moment the transaction commits.
 */
export class OffsetStore implements JournaledState {
  readonly name = 'committed-offsets'
  readonly kinds = [
    journalKinds.offsetsCommitted,
    journalKinds.offsetsDeleted,
    journalKinds.offsetsOfTopicDeleted,
    journalKinds.offsetsOfGroupDeleted,
  ]
  readonly #storage: Storage
  readonly #groups = new Map<string, ByPartition>()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  get(groupId: string, at: TopicPartition): CommittedOffset | undefined {
    return this.#groups.get(groupId)?.get(keyOf(at))
  }

  /** Everything a group has committed. */
  ofGroup(groupId: string): OffsetEntry[] {
    return [...(this.#groups.get(groupId)?.values() ?? [])]
  }

  has(groupId: string): boolean {
    return this.#groups.has(groupId)
  }

  groupIds(): string[] {
    return [...this.#groups.keys()]
  }

  /** Returns the lsn to await before the commit is acknowledged. */
  commit(groupId: string, entries: readonly OffsetEntry[]): number {
    return this.#storage.append(journalKinds.offsetsCommitted, encodeOffsets(groupId, entries))
  }

  delete(groupId: string, partitions: readonly TopicPartition[]): number {
    return this.#storage.append(journalKinds.offsetsDeleted, toPayload({ groupId, partitions }))
  }

  /** The journal entry that forgets a group's offsets, to be written together with the group's own end. */
  deletionOfGroup(groupId: string): { kind: number; payload: Buffer } {
    return { kind: journalKinds.offsetsOfGroupDeleted, payload: toPayload({ groupId }) }
  }

  /** A transaction has committed (called while its entry is applied, so nothing is journaled here). */
  commitTransactional(
    groupId: string,
    offsets: readonly (Omit<OffsetEntry, 'expireTimestampMs'> & { lsn: number })[],
  ): void {
    for (const offset of offsets) {
      const present = this.get(groupId, offset) as StoredOffset | undefined
      // A commit that came after the transaction's own counts (statement 35).
      if (present === undefined || present.lsn < offset.lsn) this.#put(groupId, { ...offset, expireTimestampMs: -1 })
    }
  }

  apply(kind: number, payload: Buffer, lsn: number): void {
    switch (kind) {
      case journalKinds.offsetsCommitted: {
        const { groupId, entries } = decodeOffsets(new BufferReader(payload))
        for (const entry of entries) this.#put(groupId, { ...entry, lsn })
        return
      }
      case journalKinds.offsetsDeleted: {
        const { groupId, partitions } = fromPayload<{ groupId: string; partitions: TopicPartition[] }>(payload)
        return this.#drop(groupId, partitions)
      }
      case journalKinds.offsetsOfTopicDeleted: {
        const { topic } = fromPayload<{ topic: string }>(payload)
        for (const [groupId, offsets] of this.#groups) {
          this.#drop(
            groupId,
            [...offsets.values()].filter((entry) => entry.topic === topic),
          )
        }
        return
      }
      case journalKinds.offsetsOfGroupDeleted:
        this.#groups.delete(fromPayload<{ groupId: string }>(payload).groupId)
        return
      default:
        throw new Error(`Journal entry of kind ${kind} is not the offset store's`)
    }
  }

  snapshot(): Buffer {
    const writer = new BufferWriter()
    writer.writeInt32(this.#groups.size)
    for (const [groupId, offsets] of this.#groups) {
      writeOffsets(writer, groupId, [...offsets.values()])
      for (const { lsn } of offsets.values()) writer.writeInt64(lsn)
    }
    return writer.toBuffer()
  }

  restore(bytes: Buffer): void {
    const reader = new BufferReader(bytes)
    for (let count = reader.readInt32(); count > 0; count--) {
      const { groupId, entries } = decodeOffsets(reader)
      for (const entry of entries) this.#put(groupId, { ...entry, lsn: reader.readInt64() })
    }
  }

  #put(groupId: string, stored: StoredOffset): void {
    let offsets = this.#groups.get(groupId)
    if (offsets === undefined) this.#groups.set(groupId, (offsets = new Map()))
    offsets.set(keyOf(stored), stored)
  }

  #drop(groupId: string, partitions: readonly TopicPartition[]): void {
    const offsets = this.#groups.get(groupId)
    for (const at of partitions) offsets?.delete(keyOf(at))
    if (offsets?.size === 0) this.#groups.delete(groupId)
  }
}

/** A topic name has no colon. */
function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`
}

function encodeOffsets(groupId: string, entries: readonly OffsetEntry[]): Buffer {
  const writer = new BufferWriter()
  writeOffsets(writer, groupId, entries)
  return writer.toBuffer()
}

function writeOffsets(writer: BufferWriter, groupId: string, entries: readonly OffsetEntry[]): void {
  writer.writeCompactString(groupId)
  writer.writeInt32(entries.length)
  for (const entry of entries) {
    writer.writeCompactString(entry.topic)
    writer.writeInt32(entry.partition)
    writer.writeInt64(entry.offset)
    writer.writeInt32(entry.leaderEpoch)
    writer.writeCompactNullableString(entry.metadata)
    writer.writeInt64(entry.timestampMs)
    writer.writeInt64(entry.expireTimestampMs)
  }
}

function decodeOffsets(reader: BufferReader): { groupId: string; entries: OffsetEntry[] } {
  const groupId = reader.readCompactString()
  const entries: OffsetEntry[] = []
  for (let count = reader.readInt32(); count > 0; count--) {
    entries.push({
      topic: reader.readCompactString(),
      partition: reader.readInt32(),
      offset: reader.readInt64(),
      leaderEpoch: reader.readInt32(),
      metadata: reader.readCompactNullableString(),
      timestampMs: reader.readInt64(),
      expireTimestampMs: reader.readInt64(),
    })
  }
  return { groupId, entries }
}
