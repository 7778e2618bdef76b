import type { BufferReader, BufferWriter } from '@keyfold/bytes'
import {
  buildControlBatch,
  type Compressors,
  KafkaError,
  readRecords,
  readTransactionMarker,
  type RecordBatchHeader,
  setCreateTime,
  setLogAppendTime,
} from '@keyfold/protocol'
import {
  endOfBatches,
  type EntryToAppend,
  leaderEpoch,
  type PartitionLog,
  type Storage,
  StorageError,
} from '@keyfold/storage'

import { type BatchRefusal, isRefusal, refusal, validateBatch } from './batch-validation.ts'
import { findOffset, type FoundOffset } from './offset-search.ts'
import { markerProblem, type MarkerRequest } from './marker-rules.ts'
import { defaultPartitionConfig, type PartitionConfig } from './partition-config.ts'
import { type ProducerDescription, ProducerStates } from './producer-states.ts'
import {
  type AppendRequest,
  type AppendResult,
  type Isolation,
  noRecords,
  type RangeRead,
  type ReadRequest,
  type ReadResult,
} from './partition-requests.ts'
import { recompressed } from './recompression.ts'
import { type EndedTransaction, TransactionIndex } from './transaction-index.ts'
import { type ExpectedBatch, TransactionVerifications } from './transaction-verification.ts'
import { PartitionUpkeep } from './upkeep.ts'
import { checkedWatermarks, type Watermarks } from './watermarks.ts'

export interface PartitionOptions {
  readonly storage: Storage
  readonly log: PartitionLog
  readonly compressors: Compressors
}

/** The epoch of the transaction coordinator in its markers: there is one coordinator, and it never moves. */
const ownCoordinatorEpoch = 0
const newestProduceVersion = 13

/**
 * One partition: its log with what Kafka's rules make of it. Every change is a journal entry of storage; `apply…` methods
 * follow those entries, live and on recovery. Nothing is visible before it is durable.
 */
export class Partition {
  readonly topic: string
  readonly index: number
  /** Unique, never used again: a topic that is made anew has partitions with other ids. */
  readonly id: number
  readonly leaderEpoch: number = leaderEpoch
  /** Retention, compaction, forgetting producers: what runs now and then. */
  readonly upkeep: PartitionUpkeep
  readonly #storage: Storage
  readonly #log: PartitionLog
  readonly #compressors: Compressors
  readonly #config: PartitionConfig = { ...defaultPartitionConfig }
  readonly #producers = new ProducerStates()
  readonly #transactions = new TransactionIndex()
  readonly #verifications = new TransactionVerifications()
  readonly #listeners = new Set<() => void>()
  #watermarks: Watermarks

  constructor({ storage, log, compressors }: PartitionOptions) {
    this.#storage = storage
    this.#log = log
    this.#compressors = compressors
    this.topic = log.topic
    this.index = log.partition
    this.id = log.id
    this.#watermarks = checkedWatermarks(this.#currentWatermarks(), undefined, this.#name)
    this.upkeep = new PartitionUpkeep({
      storage,
      log,
      compressors,
      config: this.#config,
      producers: this.#producers,
      transactions: this.#transactions,
      watermarks: () => this.#watermarks,
    })
  }

  get logStartOffset(): number {
    return this.#watermarks.logStartOffset
  }

  /** End of what read_committed readers may see. */
  get lastStableOffset(): number {
    return this.#watermarks.lastStableOffset
  }

  /** End of what is durable, and so of what anybody may see. */
  get highWatermark(): number {
    return this.#watermarks.highWatermark
  }

  get logEndOffset(): number {
    return this.#log.logEndOffset
  }

  get sizeInBytes(): number {
    return this.#log.sizeInBytes
  }

  /** Its files turned out to be damaged: it is offline for good. */
  get isDamaged(): boolean {
    return this.#log.damage !== undefined
  }

  configure(config: Partial<PartitionConfig>): void {
    Object.assign(this.#config, config)
    const { segmentBytes, segmentMs, indexIntervalBytes } = this.#config
    this.#log.configure({ segmentBytes, segmentMs, indexIntervalBytes })
  }

  /** Checks a client's batch and appends it. It is not durable when this returns: await `storage.durable(lsn)`. */
  append(request: AppendRequest): AppendResult {
    const { nowMs, apiVersion = newestProduceVersion } = request
    const unusable = this.#unusable()
    if (unusable !== undefined) return this.#refused(unusable)
    const context = { config: this.#config, compressors: this.#compressors, nowMs, apiVersion }
    const header = validateBatch(request.batch, context)
    if (isRefusal(header)) return this.#refused(header)
    const batch = recompressed(request.batch, header, context)
    if (!Buffer.isBuffer(batch)) return this.#refused(batch)
    if (header.producerId >= 0) {
      const known = this.#checkProducer(header, request)
      if (known !== undefined) return known
    }
    const isStamped = this.#config.timestampType === 'LogAppendTime'
    if (isStamped) setLogAppendTime(batch, 0, nowMs)
    else if (header.timestampType === 1) setCreateTime(batch, 0)
    const baseOffset = this.#log.logEndOffset
    const lsn = this.#storage.appendAtomic([this.#storage.partitions.batch(this.#log, this.#log.prepare(batch))])
    // A transactional batch waits for its transaction's end (one sync for all of it); nobody may wait for acks=0.
    if (!header.isTransactional) this.#storage.demand()
    return this.#accepted({ baseOffset, logAppendTimeMs: isStamped ? nowMs : -1, lsn })
  }

  /** Batches from the one that holds the offset, up to where this reader may see. */
  async read({ offset, maxBytes, isolation, minOneBatch }: ReadRequest): Promise<ReadResult> {
    const watermarks = this.#watermarks
    const isInRange = offset >= watermarks.logStartOffset && offset <= this.#log.logEndOffset
    if (!isInRange) return noRecords(KafkaError.OFFSET_OUT_OF_RANGE)
    const endOffset = this.#visibleEnd(isolation)
    const { highWatermark, lastStableOffset, logStartOffset } = watermarks
    try {
      const records = await this.#storage.read(this.#log, { offset, endOffset, maxBytes, minOneBatch })
      const abortedTransactions = this.#abortedIn(records, { offset, maxBytes, isolation, endOffset })
      return { errorCode: 0, records, highWatermark, lastStableOffset, logStartOffset, abortedTransactions }
    } catch (error) {
      if (error instanceof StorageError) return noRecords(KafkaError.KAFKA_STORAGE_ERROR)
      throw error
    }
  }

  /** Bytes that a reader at `offset` would get now, at most `bytesMax`; `bytesMax` if they lie in an older segment. */
  availableBytes(offset: number, isolation: Isolation, bytesMax: number): number {
    return this.#log.bytesBetween(offset, this.#visibleEnd(isolation), bytesMax)
  }

  /** ListOffsets: a time in milliseconds, or one of Kafka's negative questions (statement 47). */
  listOffset(timestamp: number, isolation: Isolation): Promise<FoundOffset> {
    return findOffset({
      storage: this.#storage,
      log: this.#log,
      reading: { compressors: this.#compressors, decompressedBytesMax: this.#config.decompressedBytesMax },
      timestamp,
      endOffset: this.#visibleEnd(isolation),
    })
  }

  /** DeleteRecords: moves the start of the log forward; -1 means to the high watermark. Await `lsn`. */
  deleteRecordsBefore(offset: number): { errorCode: number; lowWatermark: number; lsn: number } {
    const target = offset === -1 ? this.highWatermark : offset
    const error = this.#deletionError(target)
    if (error !== undefined) return { errorCode: error.code, lowWatermark: -1, lsn: 0 }
    if (target > this.logStartOffset) this.#moveStart(target)
    return { errorCode: 0, lowWatermark: this.logStartOffset, lsn: this.#storage.lastLsn }
  }

  /** Whether the producer has written to this partition in a transaction that has not ended. */
  hasOpenTransaction(producerId: number): boolean {
    return this.#transactions.openOffset(producerId) >= 0
  }

  /** A transactional batch is about to ask the coordinator. A producer that is fenced here needs no answer from there. */
  expectTransactional(batch: ExpectedBatch): KafkaError {
    const { producerId, producerEpoch } = batch
    const { producerEpoch: knownEpoch = -1 } = this.#producers.describeOne(producerId) ?? {}
    if (producerEpoch < knownEpoch) return KafkaError.INVALID_PRODUCER_EPOCH
    const isOpen = this.hasOpenTransaction(producerId) && knownEpoch === producerEpoch
    if (!isOpen) this.#verifications.note(batch)
    return KafkaError.NONE
  }

  /** WriteTxnMarkers: ends a producer's transaction here whatever its coordinator thinks. Await `lsn`. */
  writeMarker(request: MarkerRequest): { errorCode: number; lsn: number } {
    const { producerId } = request
    const producer = this.#producers.describeOne(producerId)
    const problem = markerProblem(request, producer, this.hasOpenTransaction(producerId))
    const errorCode = this.#unusable()?.errorCode ?? problem?.code ?? 0
    if (errorCode !== 0) return { errorCode, lsn: 0 }
    const lsn = this.#storage.appendAtomic([this.marker(request)])
    this.#storage.demand()
    return { errorCode, lsn }
  }

  /** The journal entry that ends a producer's transaction here; append it together with the decision. */
  marker(end: Omit<MarkerRequest, 'coordinatorEpoch' | 'transactionVersion'> & Partial<MarkerRequest>): EntryToAppend {
    const { producerId, producerEpoch, committed, nowMs, coordinatorEpoch = ownCoordinatorEpoch } = end
    const batch = buildControlBatch({
      producerId,
      producerEpoch,
      type: committed ? 'commit' : 'abort',
      coordinatorEpoch,
      baseOffset: this.#log.logEndOffset,
      timestamp: nowMs,
      partitionLeaderEpoch: leaderEpoch,
    })
    if (this.#config.timestampType === 'LogAppendTime') setLogAppendTime(batch, 0, nowMs)
    return this.#storage.partitions.batch(this.#log, this.#log.prepare(batch))
  }

  /** The aborted transactions that read_committed readers are told of, in the order of their markers. */
  get abortedTransactions(): readonly EndedTransaction[] {
    return this.#transactions.aborted
  }

  describeProducers(): (ProducerDescription & { currentTxnStartOffset: number })[] {
    return this.#producers.describe().map((producer) => ({
      ...producer,
      currentTxnStartOffset: this.#transactions.openOffset(producer.producerId),
    }))
  }

  /** Calls the listener when a watermark has moved, or the partition is gone. Returns the way to stop that. */
  onAdvance(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A batch has been appended. */
  applyBatch(batch: Buffer, header: RecordBatchHeader, lsn: number): void {
    if (header.isControl) this.#applyMarker(batch, header)
    else if (header.producerId >= 0) {
      this.#producers.apply(header, lsn)
      if (!header.isTransactional) return
      this.#transactions.append(header.producerId, header.baseOffset)
      this.#verifications.forget(header.producerId)
    }
  }

  /** The journal is durable further than before. */
  applyDurable(): void {
    this.#transactions.advance(this.#log.durableEndOffset)
    this.#move()
  }

  applyLogStart(): void {
    this.#transactions.dropBefore(this.#log.logStartOffset)
    this.#move()
  }

  applyForgottenAborted(markerOffsets: ReadonlySet<number>): void {
    this.#transactions.forgetAborted(markerOffsets)
  }

  applyExpiry(producerId: number): void {
    this.#producers.forget(producerId)
  }

  /** The partition was removed: whoever waits for data learns it. */
  notifyRemoved(): void {
    this.#notify()
  }

  writeSnapshot(writer: BufferWriter): void {
    this.#producers.write(writer)
    this.#transactions.write(writer)
  }

  readSnapshot(reader: BufferReader): void {
    this.#producers.read(reader)
    this.#transactions.read(reader)
    this.#watermarks = checkedWatermarks(this.#currentWatermarks(), undefined, this.#name)
  }

  get #name(): string {
    return `${this.topic}-${this.index}`
  }

  #applyMarker(batch: Buffer, header: RecordBatchHeader): void {
    for (const record of readRecords(batch)) {
      const marker = readTransactionMarker(record)
      if (marker === undefined) continue
      this.#producers.applyMarker(header, marker.coordinatorEpoch)
      this.#transactions.end(header.producerId, record.offset, marker.type === 'commit')
    }
  }

  #unusable(): BatchRefusal | undefined {
    if (this.#log.damage !== undefined) return refusal(KafkaError.KAFKA_STORAGE_ERROR, this.#log.damage.message)
    if (!this.#storage.acceptsWrites) return refusal(KafkaError.KAFKA_STORAGE_ERROR, 'the disk takes no more writes')
    return undefined
  }

  /** What to answer at once: an error, or the place of a batch that is in the log already. */
  #checkProducer(header: RecordBatchHeader, request: AppendRequest): AppendResult | undefined {
    const mustStartAtZero = this.#verifications.mustStartAtZero(header.producerId) ?? request.mustStartAtZero ?? false
    const verdict = this.#producers.check(header, { mustStartAtZero })
    if (verdict.kind === 'duplicate') {
      const { baseOffset, timestamp, lsn } = verdict.batch
      this.#verifications.forget(header.producerId)
      return this.#accepted({ baseOffset, logAppendTimeMs: timestamp, lsn })
    }
    if (verdict.kind === 'refused') return this.#refused(refusal(verdict.error, verdict.reason))
    const { producerId, baseSequence } = header
    const isOpen = this.hasOpenTransaction(producerId)
    const lowestSequence = this.#verifications.lowestSequence(producerId)
    if (lowestSequence !== undefined && baseSequence > lowestSequence) {
      const reason = `sequence ${baseSequence} before ${lowestSequence}, which was refused`
      return this.#refused(refusal(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, reason))
    }
    if (isOpen && !header.isTransactional) {
      return this.#refused(refusal(KafkaError.INVALID_TXN_STATE, 'the producer has an open transaction here'))
    }
    if (header.isTransactional && !isOpen && request.isTransactionVerified !== true) {
      return this.#refused(refusal(KafkaError.INVALID_TXN_STATE, 'the partition is not part of the transaction'))
    }
    return undefined
  }

  #accepted(result: Pick<AppendResult, 'baseOffset' | 'logAppendTimeMs' | 'lsn'>): AppendResult {
    return { errorCode: 0, errorMessage: null, recordErrors: [], logStartOffset: this.logStartOffset, ...result }
  }

  #refused(why: BatchRefusal): AppendResult {
    const { isAboutLog, ...answer } = why
    const logStartOffset = isAboutLog ? this.logStartOffset : -1
    return { ...answer, baseOffset: -1, logAppendTimeMs: -1, logStartOffset, lsn: 0 }
  }

  #deletionError(target: number): KafkaError | undefined {
    if (this.#unusable() !== undefined) return KafkaError.KAFKA_STORAGE_ERROR
    if (!this.#config.deletes) return KafkaError.POLICY_VIOLATION
    return target < 0 || target > this.highWatermark ? KafkaError.OFFSET_OUT_OF_RANGE : undefined
  }

  #moveStart(offset: number): void {
    this.#storage.appendAtomic([this.#storage.partitions.logStart(this.#log, offset)])
  }

  /** What a reader of committed records has to skip. As in Kafka, null where the first batch did not fit (statement 32). */
  #abortedIn(records: readonly Buffer[], { offset, maxBytes, isolation, endOffset }: RangeRead) {
    if (isolation === 'read_uncommitted') return null
    if (offset >= endOffset) return []
    if (records.length === 0 && maxBytes > 0) return null
    return this.#transactions.abortedBetween(offset, endOfBatches(records) ?? offset)
  }

  #visibleEnd(isolation: Isolation): number {
    return isolation === 'read_committed' ? this.lastStableOffset : this.highWatermark
  }

  #currentWatermarks(): Watermarks {
    const { logStartOffset, logEndOffset, durableEndOffset } = this.#log
    const undecided = this.#transactions.firstUndecidedOffset ?? durableEndOffset
    // Records deleted under an open transaction are gone for everybody.
    const lastStableOffset = Math.max(Math.min(undecided, durableEndOffset), logStartOffset)
    return { logStartOffset, lastStableOffset, highWatermark: durableEndOffset, logEndOffset }
  }

  #move(): void {
    const before = this.#watermarks
    const next = checkedWatermarks(this.#currentWatermarks(), before, this.#name)
    this.#watermarks = next
    const isVisible =
      next.highWatermark !== before.highWatermark ||
      next.lastStableOffset !== before.lastStableOffset ||
      next.logStartOffset !== before.logStartOffset
    if (isVisible) this.#notify()
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}
