import { BufferReader, BufferWriter } from '@keyfold/bytes'

import { entryKinds } from '../entry-kinds.ts'
import { type Owner, readOffset, readOwner, writeOffset, writeOwner } from './transaction.ts'

/** An offset as TxnOffsetCommit brings it. */
export interface OffsetToStage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string | null
}

/** What can happen to a transactional id: the journal entries of the coordinator, as data. */
export type TransactionChange = { readonly transactionalId: string; readonly atMs: number } & (
  | { readonly type: 'initialised'; readonly owner: Owner; readonly timeoutMs: number }
  | { readonly type: 'partitionsAdded'; readonly partitionIds: readonly number[] }
  | { readonly type: 'groupAdded'; readonly groupId: string }
  | { readonly type: 'offsetsStaged'; readonly groupId: string; readonly offsets: readonly OffsetToStage[] }
  | { readonly type: 'ended'; readonly committed: boolean; readonly owner: Owner }
  | { readonly type: 'forgotten' }
)

const kindOf = {
  initialised: entryKinds.transactionInitialised,
  partitionsAdded: entryKinds.transactionPartitionsAdded,
  groupAdded: entryKinds.transactionGroupAdded,
  offsetsStaged: entryKinds.transactionOffsetsStaged,
  ended: entryKinds.transactionEnded,
  forgotten: entryKinds.transactionalIdForgotten,
} as const satisfies Record<TransactionChange['type'], number>

export const transactionKinds: readonly number[] = Object.values(kindOf)

export function encodeChange(change: TransactionChange): { kind: number; payload: Buffer } {
  const writer = new BufferWriter(128)
  writer.writeString(change.transactionalId)
  writer.writeInt64(change.atMs)
  if (change.type === 'initialised') {
    writeOwner(writer, change.owner)
    writer.writeInt32(change.timeoutMs)
  } else if (change.type === 'partitionsAdded') {
    writer.writeInt32(change.partitionIds.length)
    for (const id of change.partitionIds) writer.writeInt32(id)
  } else if (change.type === 'groupAdded') {
    writer.writeString(change.groupId)
  } else if (change.type === 'offsetsStaged') {
    writer.writeString(change.groupId)
    writer.writeInt32(change.offsets.length)
    for (const offset of change.offsets) writeOffset(writer, offset)
  } else if (change.type === 'ended') {
    writer.writeBoolean(change.committed)
    writeOwner(writer, change.owner)
  }
  return { kind: kindOf[change.type], payload: writer.toBuffer() }
}

export function decodeChange(kind: number, payload: Buffer): TransactionChange {
  const reader = new BufferReader(payload)
  const subject = { transactionalId: reader.readString(), atMs: reader.readInt64() }
  switch (kind) {
    case kindOf.initialised:
      return { ...subject, type: 'initialised', owner: readOwner(reader), timeoutMs: reader.readInt32() }
    case kindOf.partitionsAdded:
      return { ...subject, type: 'partitionsAdded', partitionIds: readMany(reader, () => reader.readInt32()) }
    case kindOf.groupAdded:
      return { ...subject, type: 'groupAdded', groupId: reader.readString() }
    case kindOf.offsetsStaged:
      return {
        ...subject,
        type: 'offsetsStaged',
        groupId: reader.readString(),
        offsets: readMany(reader, () => readOffset(reader)),
      }
    case kindOf.ended:
      return { ...subject, type: 'ended', committed: reader.readBoolean(), owner: readOwner(reader) }
    case kindOf.forgotten:
      return { ...subject, type: 'forgotten' }
    default:
      throw new Error(`journal entry kind ${kind} is none of a transaction`)
  }
}

function readMany<T>(reader: BufferReader, read: () => T): T[] {
  return Array.from({ length: reader.readInt32() }, read)
}
