import { BufferReader, BufferWriter } from '@keyfold/bytes'
import { KafkaError, kafkaErrorByCode } from '@keyfold/protocol'
import type { EntryToAppend, JournaledState, Storage } from '@keyfold/storage'

import { entryKinds } from '../entry-kinds.ts'
import type { Partition } from '../partition/partition.ts'
import { initialise } from './producer-initialisation.ts'
import { ProducerIds } from './producer-ids.ts'
import { offsetKey, type Owner, type Transaction } from './transaction.ts'
import { bumpedOwner, judgeEnd, sameOwner } from './transaction-end.ts'
import { decodeChange, encodeChange, type TransactionChange, transactionKinds } from './transaction-entries.ts'
import {
  type AddOffsetsRequest,
  type AddPartitionsRequest,
  type AdmissionRequest,
  describeNothing,
  done,
  type EndTxnRequest,
  failed,
  type InitProducerIdRequest,
  noProducer,
  type OffsetAdmissionRequest,
  type PlaceInTopic,
  type ProducerRequest,
  type ProducerResult,
  type StageOffsetsRequest,
  type TransactionDescription,
  type TransactionResult,
} from './transaction-requests.ts'
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

/**
 * The coordinator of all transactions, for clients of all generations: up to transaction version 1 they announce what
 * belongs to a transaction, with version 2 (KIP-890) they just write, and every end takes them to a new epoch. Each
 * method judges a request, journals what it changes and answers; `apply` is where the change happens. EndTxn is one
 * group of entries, whole or absent after a crash: the decision, the markers of all partitions, the offsets it hands
 * over, the next epoch. So only EndTxn and InitProducerId have to wait for a sync, and it covers all that the
 * transaction did before.
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
  addPartitions(request: AddPartitionsRequest): TransactionResult {
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

  /** AddPartitionsToTxn that only asks: TRANSACTION_ABORTABLE for a partition that is not in the transaction. */
  verifyPartition(request: ProducerRequest & PlaceInTopic): KafkaError {
    const transaction = this.#owned(request)
    if (isError(transaction)) return transaction
    const id = this.#partitions.get(request.topic, request.partition)?.id
    if (id === undefined) return KafkaError.UNKNOWN_TOPIC_OR_PARTITION
    const isMember = transaction.state === 'Ongoing' && transaction.partitionIds.has(id)
    return isMember ? KafkaError.NONE : KafkaError.TRANSACTION_ABORTABLE
  }

  /** Whether a transactional batch may be appended; asked before every one. */
  admitProduce(request: AdmissionRequest): KafkaError {
    const { topic, partition, adds } = request
    if (!adds) return epochProblem(this.verifyPartition(request))
    const { errorCode } = this.addPartitions({ ...request, partitions: [{ topic, partition }] })
    return epochProblem(kafkaErrorByCode(errorCode))
  }

  /** AddOffsetsToTxn: announces that offsets of a group will follow. */
  addOffsets(request: AddOffsetsRequest): TransactionResult {
    const { transactionalId, nowMs, groupId } = request
    const transaction = this.#owned(request)
    if (isError(transaction)) return failed(transaction)
    if (transaction.state === 'Ongoing' && transaction.offsets.has(groupId)) return done(0)
    return done(this.#append({ type: 'groupAdded', transactionalId, atMs: nowMs, groupId }))
  }

  /** Whether offsets of a group may be staged; asked before group and member are looked at. */
  admitOffsets(request: OffsetAdmissionRequest): KafkaError {
    const transaction = this.#owned(request)
    if (isError(transaction)) return epochProblem(transaction)
    const isAnnounced = transaction.state === 'Ongoing' && transaction.offsets.has(request.groupId)
    if (isAnnounced) return KafkaError.NONE
    if (!request.adds) return KafkaError.TRANSACTION_ABORTABLE
    return kafkaErrorByCode(this.addOffsets(request).errorCode)
  }

  /** TxnOffsetCommit, once admitted: the offsets count when the transaction commits. */
  stageOffsets({ transactionalId, nowMs, groupId, offsets }: StageOffsetsRequest): void {
    this.#append({ type: 'offsetsStaged', transactionalId, atMs: nowMs, groupId, offsets })
  }

  /** EndTxn: commits or aborts. The same request again gets the same answer (statement 27). */
  endTxn(request: EndTxnRequest): ProducerResult {
    const { transactionalId, committed, bumpsEpoch, nowMs } = request
    if (transactionalId === '') return noProducer(KafkaError.INVALID_REQUEST)
    const transaction = this.#table.get(transactionalId)
    if (transaction === undefined) return noProducer(KafkaError.INVALID_PRODUCER_ID_MAPPING)
    const verdict = judgeEnd(transaction, request)
    if (verdict.kind === 'refused') return noProducer(verdict.error)
    if (verdict.kind === 'repeated') {
      // The end may not be durable yet: a repeated request waits like the first one.
      const { producerId, producerEpoch } = transaction
      return { errorCode: 0, producerId, producerEpoch, lsn: this.#storage.lastLsn }
    }
    const owner = bumpsEpoch ? this.#bumped(transaction) : sameOwner(transaction)
    const lsn = this.#end(transaction, { committed, owner, nowMs })
    return { errorCode: 0, producerId: owner.producerId, producerEpoch: owner.producerEpoch, lsn }
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

  /**
   * Aborts transactions that take too long, and forgets ids that have been idle for long. Call it every second or so.
   * Returns the transactions that were aborted, as they were.
   */
  tick(nowMs: number): Transaction[] {
    const late = this.#table.ongoing().filter(({ startMs, timeoutMs }) => nowMs > startMs + timeoutMs)
    for (const transaction of late) this.#fence(transaction, nowMs)
    for (const { transactionalId, state, updateMs } of this.#table.all()) {
      const isIdle = state !== 'Ongoing' && nowMs > updateMs + this.#settings.idExpirationMs
      if (isIdle) this.#append({ type: 'forgotten', transactionalId, atMs: nowMs })
    }
    return late
  }

  /** How many transactional ids are known. */
  get idCount(): number {
    return this.#table.size
  }

  /** The transactions that have begun and not ended. */
  get open(): readonly Transaction[] {
    return this.#table.ongoing()
  }

  /** The journal entry that began the id's transaction: durable before anything it wrote is acknowledged. 0 for none. */
  begunAt(transactionalId: string): number {
    const transaction = this.#table.get(transactionalId)
    return transaction?.state === 'Ongoing' ? transaction.beginLsn : 0
  }

  describe(transactionalId: string): TransactionDescription {
    if (transactionalId === '') return describeNothing(transactionalId, KafkaError.INVALID_REQUEST)
    const transaction = this.#table.get(transactionalId)
    if (transaction === undefined) return describeNothing(transactionalId, KafkaError.TRANSACTIONAL_ID_NOT_FOUND)
    return this.#describe(transaction)
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
      // As Kafka does: the producer of that transaction may recover in this epoch; a new one gets the next (statement 22).
      this.#fence(transaction, nowMs)
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

  #bumped(transaction: Transaction): Owner {
    return bumpedOwner(transaction, () => this.#producerIds.allocate().producerId)
  }

  #own(transactionalId: string, owner: Owner, { timeoutMs, nowMs }: InitProducerIdRequest): ProducerResult {
    const lsn = this.#append({ type: 'initialised', transactionalId, atMs: nowMs, owner, timeoutMs })
    return { errorCode: 0, producerId: owner.producerId, producerEpoch: owner.producerEpoch, lsn }
  }

  #fence(transaction: Transaction, nowMs: number): void {
    this.#end(transaction, { committed: false, owner: this.#bumped(transaction), nowMs })
    this.#storage.demand()
  }

  /** The decision and the markers: one atomic group of entries. */
  #end(transaction: Transaction, end: { committed: boolean; owner: Owner; nowMs: number }): number {
    const { transactionalId, producerId, producerEpoch, partitionIds } = transaction
    const { committed, owner, nowMs } = end
    // Markers carry the epoch that came with the end, also when the next transaction has a new producer id.
    const isRotated = owner.producerId !== producerId
    const marker = { producerId, producerEpoch: isRotated ? producerEpoch + 1 : owner.producerEpoch, committed, nowMs }
    const entries: EntryToAppend[] = [encodeChange({ type: 'ended', transactionalId, atMs: nowMs, committed, owner })]
    for (const id of partitionIds) {
      const partition = this.#partitions.byId(id)
      // Without it the partition was deleted meanwhile.
      if (partition !== undefined) entries.push(partition.marker(marker))
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

/** Where data is written, a fenced producer has an invalid epoch: it may abort and go on (Kafka 2.7). */
function epochProblem(error: KafkaError): KafkaError {
  return error === KafkaError.PRODUCER_FENCED ? KafkaError.INVALID_PRODUCER_EPOCH : error
}
