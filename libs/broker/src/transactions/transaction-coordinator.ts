import { BufferReader, BufferWriter } from '@keyfold/bytes'
import { KafkaError } from '@keyfold/protocol'
import type { EntryToAppend, JournaledState, Storage } from '@keyfold/storage'

import { entryKinds } from '../entry-kinds.ts'
import type { Partition } from '../partition/partition.ts'
import { fencedOwner, initialise, ownerOf } from './producer-initialisation.ts'
import { ProducerIds } from './producer-ids.ts'
import { offsetKey, type Owner, type Transaction, type TransactionState } from './transaction.ts'
import {
  decodeChange,
  encodeChange,
  type OffsetToStage,
  type TransactionChange,
  transactionKinds,
} from './transaction-entries.ts'
import { type TransactionalOffsetSink, TransactionTable } from './transaction-table.ts'

export type { TransactionalOffsetSink } from './transaction-table.ts'

/** The partitions as a coordinator needs them. */
export interface TransactionPartitions {
  get(topic: string, partition: number): Partition | undefined
  byId(id: number): Partition | undefined
}

export interface TransactionCoordinatorOptions {
  readonly storage: Storage
  readonly partitions: TransactionPartitions
  readonly offsets: TransactionalOffsetSink
  readonly settings?: Partial<TransactionSettings>
}

export interface TransactionSettings {
  /** transaction.max.timeout.ms */
  readonly timeoutMaxMs: number
  /** transactional.id.expiration.ms */
  readonly idExpirationMs: number
  readonly transactionalIdsMax: number
}

const defaultSettings: TransactionSettings = {
  timeoutMaxMs: 900_000,
  idExpirationMs: 604_800_000,
  transactionalIdsMax: 100_000,
}

/** Who speaks, as every request of a transactional producer says it. */
export interface ProducerRequest {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** Time in milliseconds since 1970 by a clock that does not jump. */
interface Timed {
  readonly nowMs: number
}

export interface InitProducerIdRequest extends Timed {
  readonly transactionalId: string | null
  readonly timeoutMs: number
  /** -1 or absent: none expected. */
  readonly expectedProducerId?: number
  readonly expectedProducerEpoch?: number
}

export interface ProducerResult {
  readonly errorCode: number
  readonly producerId: number
  readonly producerEpoch: number
  /** The journal entry to be durable before this is answered; 0 for none. */
  readonly lsn: number
}

export interface TransactionResult {
  readonly errorCode: number
  readonly lsn: number
}

export interface TransactionDescription {
  readonly errorCode: number
  readonly transactionalId: string
  readonly state: TransactionState | 'Dead'
  readonly timeoutMs: number
  readonly startMs: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[]
}

/**
 * The coordinator of all transactions, as producers without KIP-890 use it (transaction versions 0 and 1). Each method
 * judges a request, journals what it changes and answers; `apply` is where the change happens. EndTxn is one group of
 * entries, whole or absent after a crash: the decision, the markers of all partitions, the offsets it hands over. So
 * only EndTxn and InitProducerId have to wait for a sync, and it covers all that the transaction did before.
 */
export class TransactionCoordinator implements JournaledState {
  readonly name = 'transactions'
  readonly kinds = [entryKinds.producerIdsAllocated, ...transactionKinds]
  readonly #storage: Storage
  readonly #partitions: TransactionPartitions
  readonly #settings: TransactionSettings
  readonly #table: TransactionTable
  readonly #producerIds: ProducerIds

  constructor({ storage, partitions, offsets, settings = {} }: TransactionCoordinatorOptions) {
    this.#storage = storage
    this.#partitions = partitions
    this.#settings = { ...defaultSettings, ...settings }
    this.#table = new TransactionTable(offsets)
    this.#producerIds = new ProducerIds(storage)
  }

  /** Gives a producer its id and epoch, and fences older producers of the same transactional id. */
  initProducerId(request: InitProducerIdRequest): ProducerResult {
    const { transactionalId, timeoutMs } = request
    if (transactionalId === null) {
      const { producerId, lsn } = this.#producerIds.allocate()
      return { errorCode: 0, producerId, producerEpoch: 0, lsn }
    }
    if (transactionalId === '') return noProducer(KafkaError.INVALID_REQUEST)
    const isTimeoutValid = timeoutMs > 0 && timeoutMs <= this.#settings.timeoutMaxMs
    if (!isTimeoutValid) return noProducer(KafkaError.INVALID_TRANSACTION_TIMEOUT)
    const transaction = this.#table.get(transactionalId)
    if (transaction === undefined) return this.#initialiseNew(transactionalId, request)
    return this.#initialiseAgain(transaction, request)
  }

  /** AddPartitionsToTxn: begins the transaction with the first ones. One code for all of them. */
  addPartitions(
    request: ProducerRequest & Timed & { readonly partitions: readonly { topic: string; partition: number }[] },
  ): TransactionResult {
    const { transactionalId, nowMs, partitions } = request
    const transaction = this.#owned(request)
    if (isError(transaction)) return failed(transaction)
    const found = partitions.map(({ topic, partition }) => this.#partitions.get(topic, partition)?.id)
    const partitionIds = found.filter((id) => id !== undefined)
    if (partitionIds.length < found.length) return failed(KafkaError.UNKNOWN_TOPIC_OR_PARTITION)
    const isKnown = transaction.state === 'Ongoing' && partitionIds.every((id) => transaction.partitionIds.has(id))
    if (isKnown) return done(0)
    return done(this.#append({ type: 'partitionsAdded', transactionalId, atMs: nowMs, partitionIds }))
  }

  /** AddOffsetsToTxn: announces that offsets of a group will follow. */
  addOffsets(request: ProducerRequest & Timed & { readonly groupId: string }): TransactionResult {
    const { transactionalId, nowMs, groupId } = request
    const transaction = this.#owned(request)
    if (isError(transaction)) return failed(transaction)
    if (transaction.state === 'Ongoing' && transaction.offsets.has(groupId)) return done(0)
    return done(this.#append({ type: 'groupAdded', transactionalId, atMs: nowMs, groupId }))
  }

  /** TxnOffsetCommit: the offsets count when the transaction commits. Group membership is the caller's to check. */
  txnOffsetCommit(
    request: ProducerRequest & Timed & { readonly groupId: string; readonly offsets: readonly OffsetToStage[] },
  ): TransactionResult {
    const { transactionalId, nowMs, groupId, offsets } = request
    const transaction = this.#owned(request)
    if (transaction === KafkaError.PRODUCER_FENCED) return failed(KafkaError.INVALID_PRODUCER_EPOCH)
    if (isError(transaction)) return failed(transaction)
    const isAnnounced = transaction.state === 'Ongoing' && transaction.offsets.has(groupId)
    if (!isAnnounced) return failed(KafkaError.INVALID_TXN_STATE)
    return done(this.#append({ type: 'offsetsStaged', transactionalId, atMs: nowMs, groupId, offsets }))
  }

  /** EndTxn: commits or aborts. The same request again gets the same answer (statement 27). */
  endTxn(request: ProducerRequest & Timed & { readonly committed: boolean }): ProducerResult {
    const { producerId, producerEpoch, committed, nowMs } = request
    const transaction = this.#owned(request)
    if (isError(transaction)) return noProducer(transaction)
    if (transaction.state === 'Ongoing') {
      const lsn = this.#end(transaction, { committed, owner: ownerOf(transaction), nowMs })
      return { errorCode: 0, producerId, producerEpoch, lsn }
    }
    const isRepeated = transaction.state === (committed ? 'CompleteCommit' : 'CompleteAbort')
    if (!isRepeated) return noProducer(KafkaError.INVALID_TXN_STATE)
    // The end may not be durable yet: a repeated request waits like the first one.
    return { errorCode: 0, producerId, producerEpoch, lsn: this.#storage.lastLsn }
  }

  /** Whether a producer may write to a partition in its transaction; asked before every transactional append. */
  verifyProduce(request: ProducerRequest & { readonly topic: string; readonly partition: number }): number {
    const transaction = this.#owned(request)
    if (transaction === KafkaError.PRODUCER_FENCED) return KafkaError.INVALID_PRODUCER_EPOCH.code
    if (isError(transaction)) return transaction.code
    const id = this.#partitions.get(request.topic, request.partition)?.id
    if (id === undefined) return KafkaError.UNKNOWN_TOPIC_OR_PARTITION.code
    const isMember = transaction.state === 'Ongoing' && transaction.partitionIds.has(id)
    return isMember ? KafkaError.NONE.code : KafkaError.INVALID_TXN_STATE.code
  }

  /** Whether an undecided transaction has an offset of this group for the partition (OffsetFetch, requireStable). */
  hasPendingOffset(groupId: string, topic: string, partition: number): boolean {
    const key = offsetKey({ topic, partition })
    return this.#table.ongoing().some((transaction) => transaction.offsets.get(groupId)?.has(key) ?? false)
  }

  hasPendingOffsets(groupId: string): boolean {
    return this.#table.ongoing().some((transaction) => (transaction.offsets.get(groupId)?.size ?? 0) > 0)
  }

  /**
   * After recovery: aborts every transaction without a durable decision and fences its producer, which may have been
   * told of batches that the crash took. Returns the last journal entry.
   */
  abortUnfinished(nowMs: number): number {
    for (const transaction of this.#table.ongoing()) this.#fence(transaction, nowMs)
    return this.#storage.lastLsn
  }

  /** Aborts transactions that take too long, and forgets ids that have been idle for long. Call it every second or so. */
  tick(nowMs: number): void {
    for (const transaction of this.#table.ongoing()) {
      if (nowMs > transaction.startMs + transaction.timeoutMs) this.#fence(transaction, nowMs)
    }
    for (const { transactionalId, state, updateMs } of this.#table.all()) {
      const isIdle = state !== 'Ongoing' && nowMs > updateMs + this.#settings.idExpirationMs
      if (isIdle) this.#append({ type: 'forgotten', transactionalId, atMs: nowMs })
    }
  }

  describe(transactionalId: string): TransactionDescription {
    const transaction = this.#table.get(transactionalId)
    if (transaction !== undefined) return this.#describe(transaction)
    const { code: errorCode } = KafkaError.TRANSACTIONAL_ID_NOT_FOUND
    const unknown = { timeoutMs: 0, startMs: -1, producerId: -1, producerEpoch: -1, partitions: [] }
    return { errorCode, transactionalId, state: 'Dead', ...unknown }
  }

  /** All transactional ids; the caller filters. */
  list(): TransactionDescription[] {
    return this.#table.all().map((transaction) => this.#describe(transaction))
  }

  apply(kind: number, payload: Buffer, lsn: number): void {
    if (kind === entryKinds.producerIdsAllocated) this.#producerIds.apply(payload)
    else this.#table.apply(decodeChange(kind, payload), lsn)
  }

  snapshot(): Buffer {
    const writer = new BufferWriter(4096)
    this.#producerIds.snapshot(writer)
    this.#table.snapshot(writer)
    return writer.toBuffer()
  }

  restore(snapshot: Buffer): void {
    const reader = new BufferReader(snapshot)
    this.#producerIds.restore(reader)
    this.#table.restore(reader)
  }

  #initialiseNew(transactionalId: string, request: InitProducerIdRequest): ProducerResult {
    if (this.#table.size >= this.#settings.transactionalIdsMax) return noProducer(KafkaError.POLICY_VIOLATION)
    const { producerId } = this.#producerIds.allocate()
    const owner = { producerId, producerEpoch: 0, lastProducerEpoch: -1, previousProducerId: -1 }
    return this.#own(transactionalId, owner, request)
  }

  #initialiseAgain(transaction: Transaction, request: InitProducerIdRequest): ProducerResult {
    const { expectedProducerId = -1, expectedProducerEpoch = -1, nowMs } = request
    const expected =
      expectedProducerId < 0 ? undefined : { producerId: expectedProducerId, producerEpoch: expectedProducerEpoch }
    const outcome = initialise(transaction, expected)
    if (outcome.kind === 'refused') return noProducer(outcome.error)
    if (outcome.kind === 'fence') {
      // As Kafka does: this epoch goes to nobody, the retry gets the next one (statement 22).
      this.#end(transaction, { committed: false, owner: outcome.owner, nowMs })
      return noProducer(KafkaError.CONCURRENT_TRANSACTIONS)
    }
    const owner = outcome.kind === 'owned' ? outcome.owner : this.#rotated(outcome.previous, expected !== undefined)
    return this.#own(transaction.transactionalId, owner, request)
  }

  /** A new producer id; a producer that named its old one may repeat the request. */
  #rotated(previous: Owner, isExpected: boolean): Owner {
    const { producerId } = this.#producerIds.allocate()
    const lastProducerEpoch = isExpected ? previous.producerEpoch : -1
    return { producerId, producerEpoch: 0, lastProducerEpoch, previousProducerId: previous.producerId }
  }

  #own(transactionalId: string, owner: Owner, { timeoutMs, nowMs }: InitProducerIdRequest): ProducerResult {
    const lsn = this.#append({ type: 'initialised', transactionalId, atMs: nowMs, owner, timeoutMs })
    return { errorCode: 0, producerId: owner.producerId, producerEpoch: owner.producerEpoch, lsn }
  }

  #fence(transaction: Transaction, nowMs: number): void {
    this.#end(transaction, { committed: false, owner: fencedOwner(transaction), nowMs })
    this.#storage.demand()
  }

  /** The decision and the markers: one atomic group of entries. */
  #end(transaction: Transaction, end: { committed: boolean; owner: Owner; nowMs: number }): number {
    const { transactionalId, producerId, partitionIds } = transaction
    const { committed, owner, nowMs } = end
    const entries: EntryToAppend[] = [encodeChange({ type: 'ended', transactionalId, atMs: nowMs, committed, owner })]
    for (const id of partitionIds) {
      const partition = this.#partitions.byId(id)
      // Deleted meanwhile, or nothing was written to it: then there is nothing to mark (statement 33).
      if (partition === undefined || !partition.hasOpenTransaction(producerId)) continue
      entries.push(partition.marker({ producerId, producerEpoch: owner.producerEpoch, committed, nowMs }))
    }
    return this.#storage.appendAtomic(entries)
  }

  #append(change: TransactionChange): number {
    return this.#storage.appendAtomic([encodeChange(change)])
  }

  /** The transaction of a request, if its producer is the one that owns it. */
  #owned({ transactionalId, producerId, producerEpoch }: ProducerRequest): Transaction | KafkaError {
    if (transactionalId === '') return KafkaError.INVALID_REQUEST
    const transaction = this.#table.get(transactionalId)
    if (transaction === undefined || transaction.producerId !== producerId)
      return KafkaError.INVALID_PRODUCER_ID_MAPPING
    return transaction.producerEpoch === producerEpoch ? transaction : KafkaError.PRODUCER_FENCED
  }

  #describe(transaction: Transaction): TransactionDescription {
    const { transactionalId, state, timeoutMs, startMs, producerId, producerEpoch, partitionIds } = transaction
    const partitions = [...partitionIds].flatMap((id) => {
      const partition = this.#partitions.byId(id)
      return partition === undefined ? [] : [{ topic: partition.topic, partition: partition.index }]
    })
    return { errorCode: 0, transactionalId, state, timeoutMs, startMs, producerId, producerEpoch, partitions }
  }
}

function isError(outcome: Transaction | KafkaError): outcome is KafkaError {
  return 'code' in outcome
}

function noProducer(error: KafkaError): ProducerResult {
  return { errorCode: error.code, producerId: -1, producerEpoch: -1, lsn: 0 }
}

function failed(error: KafkaError): TransactionResult {
  return { errorCode: error.code, lsn: 0 }
}

function done(lsn: number): TransactionResult {
  return { errorCode: 0, lsn }
}
