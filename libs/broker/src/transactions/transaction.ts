import type { BufferReader, BufferWriter } from '@keyfold/bytes'

/**
 * Where a transactional id stands. Kafka's Prepare states do not occur: the decision and its markers are one journal
 * entry group here, so there is nothing between Ongoing and Complete.
 */
export type TransactionState = 'Empty' | 'Ongoing' | 'CompleteCommit' | 'CompleteAbort'

/** An offset that a group gets if the transaction commits. */
export interface StagedOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string | null
  readonly timestampMs: number
  /** The journal entry that staged it: tells which of two commits is newer. */
  readonly lsn: number
}

/** The producer that owns a transactional id. */
export interface Owner {
  readonly producerId: number
  readonly producerEpoch: number
  /**
   * The epoch before the last bump, if its producer may still ask for the new one: it asked for the bump itself, or its
   * transaction was ended with one. -1: only the newest epoch counts.
   */
  readonly lastProducerEpoch: number
  /** The producer id before the epochs of one ran out; -1 for none. */
  readonly previousProducerId: number
}

/** Everything about one transactional id. */
export interface Transaction extends Owner {
  readonly transactionalId: string
  readonly timeoutMs: number
  readonly state: TransactionState
  /** When the last transaction began; -1 before the first one. */
  readonly startMs: number
  readonly updateMs: number
  /**
   * The journal entry that began the transaction which is ongoing. Nothing that it wrote may be acknowledged before this
   * is durable: a crash could take all of it without a trace, and its producer would go on with the other half. Not part
   * of a snapshot, since no transaction outlives the process that it began in.
   */
  readonly beginLsn: number
  /** Ids of the partitions that belong to the transaction. */
  readonly partitionIds: ReadonlySet<number>
  /** By group, then by partition. A group without offsets has been announced only. */
  readonly offsets: ReadonlyMap<string, ReadonlyMap<string, StagedOffset>>
}

export const noPartitions: ReadonlySet<number> = new Set()
export const noOffsets: Transaction['offsets'] = new Map()

export function offsetKey({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}:${partition}`
}

const states: readonly TransactionState[] = ['Empty', 'Ongoing', 'CompleteCommit', 'CompleteAbort']

export function writeTransaction(writer: BufferWriter, transaction: Transaction): void {
  writer.writeString(transaction.transactionalId)
  writeOwner(writer, transaction)
  writer.writeInt32(transaction.timeoutMs)
  writer.writeInt8(states.indexOf(transaction.state))
  writer.writeInt64(transaction.startMs)
  writer.writeInt64(transaction.updateMs)
  writer.writeInt32(transaction.partitionIds.size)
  for (const id of transaction.partitionIds) writer.writeInt32(id)
  writer.writeInt32(transaction.offsets.size)
  for (const [groupId, offsets] of transaction.offsets) {
    writer.writeString(groupId)
    writer.writeInt32(offsets.size)
    for (const offset of offsets.values()) writeStagedOffset(writer, offset)
  }
}

export function readTransaction(reader: BufferReader): Transaction {
  const transactionalId = reader.readString()
  const owner = readOwner(reader)
  const timeoutMs = reader.readInt32()
  const state = states[reader.readInt8()] ?? 'Empty'
  const startMs = reader.readInt64()
  const updateMs = reader.readInt64()
  const partitionIds = new Set<number>()
  for (let count = reader.readInt32(); count > 0; count--) partitionIds.add(reader.readInt32())
  const offsets = new Map<string, Map<string, StagedOffset>>()
  for (let count = reader.readInt32(); count > 0; count--) {
    const ofGroup = new Map<string, StagedOffset>()
    offsets.set(reader.readString(), ofGroup)
    for (let left = reader.readInt32(); left > 0; left--) {
      const offset = readStagedOffset(reader)
      ofGroup.set(offsetKey(offset), offset)
    }
  }
  return { transactionalId, ...owner, timeoutMs, state, startMs, updateMs, beginLsn: 0, partitionIds, offsets }
}

export function writeOwner(writer: BufferWriter, owner: Owner): void {
  writer.writeInt64(owner.producerId)
  writer.writeInt16(owner.producerEpoch)
  writer.writeInt16(owner.lastProducerEpoch)
  writer.writeInt64(owner.previousProducerId)
}

export function readOwner(reader: BufferReader): Owner {
  return {
    producerId: reader.readInt64(),
    producerEpoch: reader.readInt16(),
    lastProducerEpoch: reader.readInt16(),
    previousProducerId: reader.readInt64(),
  }
}

/** An offset as its group gave it: what stands in the entry that stages it, and in a snapshot before the rest. */
type GivenOffset = Omit<StagedOffset, 'timestampMs' | 'lsn'>

export function writeOffset(writer: BufferWriter, offset: GivenOffset): void {
  writer.writeString(offset.topic)
  writer.writeInt32(offset.partition)
  writer.writeInt64(offset.offset)
  writer.writeInt32(offset.leaderEpoch)
  writer.writeNullableString(offset.metadata)
}

export function readOffset(reader: BufferReader): GivenOffset {
  return {
    topic: reader.readString(),
    partition: reader.readInt32(),
    offset: reader.readInt64(),
    leaderEpoch: reader.readInt32(),
    metadata: reader.readNullableString(),
  }
}

function writeStagedOffset(writer: BufferWriter, offset: StagedOffset): void {
  writeOffset(writer, offset)
  writer.writeInt64(offset.timestampMs)
  writer.writeInt64(offset.lsn)
}

function readStagedOffset(reader: BufferReader): StagedOffset {
  return { ...readOffset(reader), timestampMs: reader.readInt64(), lsn: reader.readInt64() }
}
