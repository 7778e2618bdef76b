import type { BufferReader, BufferWriter } from '@keyfold/bytes'

import {
  noOffsets,
  noPartitions,
  offsetKey,
  readTransaction,
  type StagedOffset,
  type Transaction,
  writeTransaction,
} from './transaction.ts'
import type { TransactionChange } from './transaction-entries.ts'

/** Takes the offsets of a transaction in the moment it commits. Called from `apply`: it journals nothing itself. */
export interface TransactionalOffsetSink {
  /** A stored offset is only overwritten by one with a greater `lsn` (statement 35). */
  commitTransactional(groupId: string, offsets: readonly StagedOffset[]): void
}

/** All transactional ids and what their transactions hold; changed by `apply` alone. */
export class TransactionTable {
  readonly #sink: TransactionalOffsetSink
  readonly #byId = new Map<string, Transaction>()
  readonly #ongoing = new Set<string>()

  constructor(sink: TransactionalOffsetSink) {
    this.#sink = sink
  }

  get size(): number {
    return this.#byId.size
  }

  get(transactionalId: string): Transaction | undefined {
    return this.#byId.get(transactionalId)
  }

  all(): Transaction[] {
    return [...this.#byId.values()]
  }

  ongoing(): Transaction[] {
    return [...this.#ongoing].flatMap((transactionalId) => this.get(transactionalId) ?? [])
  }

  apply(change: TransactionChange, lsn: number): void {
    if (change.type === 'forgotten') {
      this.#byId.delete(change.transactionalId)
      return
    }
    const before = this.#byId.get(change.transactionalId)
    if (change.type === 'ended' && change.committed && before !== undefined) this.#handOver(before)
    const after = applied(before, change, lsn)
    this.#byId.set(after.transactionalId, after)
    if (after.state === 'Ongoing') this.#ongoing.add(after.transactionalId)
    else this.#ongoing.delete(after.transactionalId)
  }

  snapshot(writer: BufferWriter): void {
    writer.writeInt32(this.#byId.size)
    for (const transaction of this.#byId.values()) writeTransaction(writer, transaction)
  }

  restore(reader: BufferReader): void {
    for (let count = reader.readInt32(); count > 0; count--) {
      const transaction = readTransaction(reader)
      this.#byId.set(transaction.transactionalId, transaction)
      if (transaction.state === 'Ongoing') this.#ongoing.add(transaction.transactionalId)
    }
  }

  #handOver({ offsets }: Transaction): void {
    for (const [groupId, ofGroup] of offsets) {
      if (ofGroup.size > 0) this.#sink.commitTransactional(groupId, [...ofGroup.values()])
    }
  }
}

function applied(before: Transaction | undefined, change: TransactionChange, lsn: number): Transaction {
  if (change.type === 'initialised') return initialised(change)
  if (before === undefined) throw new Error(`journal entry ${lsn} changes an unknown transactional id`)
  switch (change.type) {
    case 'partitionsAdded': {
      const begun = ongoing(before, change.atMs, lsn)
      return { ...begun, partitionIds: new Set([...begun.partitionIds, ...change.partitionIds]) }
    }
    case 'groupAdded': {
      const begun = ongoing(before, change.atMs, lsn)
      return { ...begun, offsets: withOffsets(begun, change.groupId, []) }
    }
    case 'offsetsStaged': {
      const staged = change.offsets.map((offset) => ({ ...offset, timestampMs: change.atMs, lsn }))
      return { ...before, updateMs: change.atMs, offsets: withOffsets(before, change.groupId, staged) }
    }
    case 'ended': {
      const state = change.committed ? 'CompleteCommit' : 'CompleteAbort'
      const startMs = before.state === 'Ongoing' ? before.startMs : change.atMs
      const empty = { partitionIds: noPartitions, offsets: noOffsets }
      return { ...before, ...change.owner, ...empty, startMs, state, updateMs: change.atMs }
    }
    default:
      return before
  }
}

function initialised(change: TransactionChange & { type: 'initialised' }): Transaction {
  const { transactionalId, owner, timeoutMs, atMs } = change
  const empty = { partitionIds: noPartitions, offsets: noOffsets, startMs: -1, beginLsn: 0 }
  return { transactionalId, ...owner, timeoutMs, state: 'Empty', updateMs: atMs, ...empty }
}

function ongoing(before: Transaction, atMs: number, lsn: number): Transaction {
  const begun = before.state === 'Ongoing' ? {} : { startMs: atMs, beginLsn: lsn }
  return { ...before, state: 'Ongoing', ...begun, updateMs: atMs }
}

function withOffsets(
  { offsets }: Transaction,
  groupId: string,
  staged: readonly StagedOffset[],
): Transaction['offsets'] {
  const ofGroup = new Map(offsets.get(groupId))
  for (const offset of staged) ofGroup.set(offsetKey(offset), offset)
  return new Map(offsets).set(groupId, ofGroup)
}
