import { MalformedBytes } from '@keyfold/bytes'
import {
  compressionCodecs,
  compressionName,
  type Compressors,
  hasValidCrc,
  KafkaError,
  readBatchHeader,
  type RecordBatchHeader,
  recordBatchHeaderBytes,
  recordBatchLayout,
  UnsupportedCompression,
} from '@keyfold/protocol'

import type { PartitionConfig } from './partition-config.ts'
import { walkRecords } from './record-walk.ts'

/** A record that made its batch be refused (Produce v8+). */
export interface RecordError {
  readonly batchIndex: number
  readonly batchIndexErrorMessage: string
}

/** Why a batch was refused. */
export interface BatchRefusal {
  readonly errorCode: number
  readonly errorMessage: string
  readonly recordErrors: readonly RecordError[]
  /** Whether the answer tells where the log begins: not if the log was not asked, nor for some errors (ReplicaManager). */
  readonly isAboutLog: boolean
}

export interface ValidationContext {
  readonly config: PartitionConfig
  readonly compressors: Compressors
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Version of the Produce request. */
  readonly apiVersion: number
}

/** Record errors named in one answer. */
const recordErrorsMax = 100
const zstdVersionMin = 7

/**
 * Checks what a client sent for one partition, in Kafka's order: framing, size, checksum, header, records. Returns the
 * header, or why the batch is refused. Records of compressed batches are decompressed for it, up to a limit; where the
 * operator does not want that, only if a rule needs them (a compacted topic, a bound on old timestamps).
 */
export function validateBatch(records: Buffer, context: ValidationContext): RecordBatchHeader | BatchRefusal {
  const { config, apiVersion } = context
  const unframed = checkFrame(records)
  if (unframed !== undefined) return { ...unframed, isAboutLog: false }
  const header = readBatchHeader(records)
  if (header.compression === compressionCodecs.zstd && apiVersion < zstdVersionMin) {
    const unknown = refusal(KafkaError.UNSUPPORTED_COMPRESSION_TYPE, `Produce v${apiVersion} knows no zstd`)
    return { ...unknown, isAboutLog: false }
  }
  if (apiVersion < zstdVersionMin && compressionName(header.compression) === undefined) {
    // Looking for zstd, Kafka meets the unknown one before its log does.
    return { ...refusal(KafkaError.INVALID_RECORD, unknownCompression(header)), isAboutLog: false }
  }
  if (header.baseOffset !== 0) return refusal(KafkaError.INVALID_RECORD, `baseOffset is ${header.baseOffset}, not 0`)
  if (header.sizeInBytes > config.maxMessageBytes) {
    const what = `the batch has ${header.sizeInBytes} bytes, max.message.bytes is ${config.maxMessageBytes}`
    return refusal(KafkaError.MESSAGE_TOO_LARGE, what)
  }
  if (!hasValidCrc(records)) return refusal(KafkaError.CORRUPT_MESSAGE, 'the checksum does not match')
  const broken = brokenHeader(header)
  if (broken !== undefined) return refusal(KafkaError.INVALID_RECORD, broken)
  const refused = checkRecords(records, header, context)
  if (refused !== undefined) return refused
  if (header.sizeInBytes > config.segmentBytes) {
    const what = `the batch has ${header.sizeInBytes} bytes, segment.bytes is ${config.segmentBytes}`
    return refusal(KafkaError.RECORD_LIST_TOO_LARGE, what)
  }
  return header
}

export function isRefusal(result: RecordBatchHeader | BatchRefusal): result is BatchRefusal {
  return 'errorCode' in result
}

export function refusal(
  error: KafkaError,
  errorMessage: string,
  recordErrors: readonly RecordError[] = [],
): BatchRefusal {
  return { errorCode: error.code, errorMessage, recordErrors, isAboutLog: !withoutLogStart.has(error) }
}

const withoutLogStart: ReadonlySet<KafkaError> = new Set([
  KafkaError.CORRUPT_MESSAGE,
  KafkaError.MESSAGE_TOO_LARGE,
  KafkaError.RECORD_LIST_TOO_LARGE,
  KafkaError.KAFKA_STORAGE_ERROR,
])

/** Exactly one batch of magic 2. */
function checkFrame(records: Buffer): BatchRefusal | undefined {
  if (records.length < recordBatchHeaderBytes) return refusal(KafkaError.INVALID_RECORD, 'there is no record batch')
  const magic = records.readInt8(recordBatchLayout.magic)
  if (magic !== 2) return refusal(KafkaError.INVALID_RECORD, `the batch has magic ${magic}, only 2 is accepted`)
  const size = records.readInt32BE(recordBatchLayout.batchLength) + recordBatchLayout.partitionLeaderEpoch
  if (size < recordBatchHeaderBytes) return refusal(KafkaError.CORRUPT_MESSAGE, `the batch claims ${size} bytes`)
  if (size > records.length) return refusal(KafkaError.INVALID_RECORD, 'the record batch is cut off')
  if (size < records.length) return refusal(KafkaError.INVALID_RECORD, 'there is more than one record batch')
  return undefined
}

function unknownCompression({ compression }: RecordBatchHeader): string {
  return `unknown compression ${compression}`
}

function brokenHeader(header: RecordBatchHeader): string | undefined {
  if (compressionName(header.compression) === undefined) return unknownCompression(header)
  if (header.recordCount <= 0 || header.lastOffsetDelta + 1 !== header.recordCount) {
    return `${header.recordCount} records do not fit the last offset delta ${header.lastOffsetDelta}`
  }
  if (header.isControl) return 'clients may not write control records'
  if (header.producerId >= 0 && header.baseSequence < 0) return `the base sequence is ${header.baseSequence}`
  if (header.isTransactional && header.producerId < 0) return 'a transactional batch needs a producer id'
  return undefined
}

/** What the header says about the timestamps; which records are to blame, only they themselves tell. */
function checkTimestamps(header: RecordBatchHeader, { config, nowMs }: ValidationContext): BatchRefusal | undefined {
  if (isStampedByClient(header, config)) {
    return refusal(KafkaError.INVALID_TIMESTAMP, 'clients may not write batches with LogAppendTime')
  }
  if (config.timestampType === 'LogAppendTime') return undefined
  const aheadMs = header.maxTimestamp - nowMs
  if (aheadMs <= config.timestampAfterMaxMs) return undefined
  return refusal(KafkaError.INVALID_TIMESTAMP, `the largest timestamp is ${aheadMs} ms ahead of the broker's clock`)
}

function checkRecords(
  records: Buffer,
  header: RecordBatchHeader,
  context: ValidationContext,
): BatchRefusal | undefined {
  const { config, compressors, nowMs } = context
  const isBounded = config.timestampType === 'CreateTime' && config.timestampBeforeMaxMs < Number.MAX_SAFE_INTEGER
  const early = checkTimestamps(header, context)
  const isUntimely = early !== undefined
  const isRequired = header.compression === compressionCodecs.none || config.compacted || isBounded || isUntimely
  if (!isRequired && !config.validatesCompressed) return undefined
  const options = { compressors, decompressedBytesMax: config.decompressedBytesMax }
  const wrong: RecordError[] = []
  const isStamped = isStampedByClient(header, config)
  let isOutOfTime = false
  try {
    walkRecords(records, header, options, ({ index, timestamp, hasKey }) => {
      if (config.compacted && !hasKey) note(wrong, index, 'a record of a compacted topic needs a key')
      else if (isStamped || !isTimely(header.timestampType === 1 ? header.maxTimestamp : timestamp, config, nowMs)) {
        isOutOfTime = true
        note(wrong, index, `the timestamp ${timestamp} is out of bounds`)
      }
    })
  } catch (error) {
    if (error instanceof MalformedBytes) return refusal(KafkaError.INVALID_RECORD, error.message)
    if (!(error instanceof UnsupportedCompression)) throw error
    // Without the algorithm a batch is stored unseen, unless a rule needs its records.
    return early ?? (isRequired ? refusal(error.kafkaError, error.message) : undefined)
  }
  if (isOutOfTime) return refusal(KafkaError.INVALID_TIMESTAMP, 'timestamps out of bounds', wrong)
  if (wrong.length > 0) return refusal(KafkaError.INVALID_RECORD, 'records without a key in a compacted topic', wrong)
  return early
}

/**
 * Whether a client says that the batch has the time of its append, which is the broker's to say. Where the topic keeps
 * the clients' times Kafka lets that pass, takes the time said for that of every record, and takes the word back.
 */
function isStampedByClient({ timestampType, maxTimestamp }: RecordBatchHeader, config: PartitionConfig): boolean {
  return timestampType === 1 && (config.timestampType === 'LogAppendTime' || maxTimestamp === -1)
}

function isTimely(timestamp: number, config: PartitionConfig, nowMs: number): boolean {
  if (config.timestampType === 'LogAppendTime' || timestamp === -1) return true
  return nowMs - timestamp <= config.timestampBeforeMaxMs && timestamp - nowMs <= config.timestampAfterMaxMs
}

function note(errors: RecordError[], batchIndex: number, batchIndexErrorMessage: string): void {
  if (errors.length < recordErrorsMax) errors.push({ batchIndex, batchIndexErrorMessage })
}
