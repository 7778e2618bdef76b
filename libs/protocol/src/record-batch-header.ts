import { BufferUnderflow, MalformedBytes } from '@keyfold/bytes'

/** The header of a record batch v2 (KIP-98): 61 bytes before the records. */
export interface RecordBatchHeader {
  readonly baseOffset: number
  /** Bytes behind the length field itself. */
  readonly batchLength: number
  /** Bytes of the whole batch: batchLength and the 12 bytes before it. */
  readonly sizeInBytes: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  /** CRC-32C from the attributes to the end of the batch. */
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  /** Milliseconds since 1970; -1 for none. Base of the records' deltas. */
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  /** -1 without idempotence. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
  /** baseOffset + lastOffsetDelta. */
  readonly lastOffset: number
  /** The compression id, see `compressionCodecs`. */
  readonly compression: number
  /** Who set the timestamps: 0 the producer (CreateTime), 1 the broker (LogAppendTime). */
  readonly timestampType: 0 | 1
  readonly isTransactional: boolean
  readonly isControl: boolean
}

/** Bytes of the header; records start behind them. */
export const recordBatchHeaderBytes = 61
/** Bytes before and including the length field: what `batchLength` does not count. */
export const recordBatchOverheadBytes = 12

/** Where each field of the header lies. */
export const headerLayout = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const

/** Bits of the attributes. */
export const batchAttributes = {
  compressionMask: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const

/**
 * Parses the header of the batch at `at` without touching its records.
 * Throws MalformedBytes when the header is incomplete, the magic is not 2, or the length is shorter than a header. The
 * batch itself may be incomplete: compare `sizeInBytes` with the bytes at hand. Nothing else is validated here.
 */
export function readBatchHeader(bytes: Buffer, at = 0): RecordBatchHeader {
  if (bytes.length - at < recordBatchHeaderBytes) {
    throw new BufferUnderflow(at, recordBatchHeaderBytes, Math.max(bytes.length - at, 0))
  }
  const magic = bytes.readInt8(at + headerLayout.magic)
  if (magic !== 2) throw new MalformedBytes('INVALID_RECORD_BATCH', at, `a record batch of magic ${magic}, not 2`)
  const batchLength = bytes.readInt32BE(at + headerLayout.batchLength)
  if (batchLength < recordBatchHeaderBytes - recordBatchOverheadBytes) {
    throw new MalformedBytes('INVALID_RECORD_BATCH', at, `a record batch of length ${batchLength}`)
  }
  const baseOffset = int64At(bytes, at)
  const attributes = bytes.readInt16BE(at + headerLayout.attributes)
  const lastOffsetDelta = bytes.readInt32BE(at + headerLayout.lastOffsetDelta)
  return {
    baseOffset,
    batchLength,
    sizeInBytes: batchLength + recordBatchOverheadBytes,
    partitionLeaderEpoch: bytes.readInt32BE(at + headerLayout.partitionLeaderEpoch),
    magic,
    crc: bytes.readUInt32BE(at + headerLayout.crc),
    attributes,
    lastOffsetDelta,
    baseTimestamp: int64At(bytes, at + headerLayout.baseTimestamp),
    maxTimestamp: int64At(bytes, at + headerLayout.maxTimestamp),
    producerId: int64At(bytes, at + headerLayout.producerId),
    producerEpoch: bytes.readInt16BE(at + headerLayout.producerEpoch),
    baseSequence: bytes.readInt32BE(at + headerLayout.baseSequence),
    recordCount: bytes.readInt32BE(at + headerLayout.recordCount),
    lastOffset: baseOffset + lastOffsetDelta,
    compression: attributes & batchAttributes.compressionMask,
    timestampType: attributes & batchAttributes.logAppendTime ? 1 : 0,
    isTransactional: (attributes & batchAttributes.transactional) !== 0,
    isControl: (attributes & batchAttributes.control) !== 0,
  }
}

/** One batch among several. */
export interface PlacedBatchHeader {
  /** Where the batch starts. */
  readonly at: number
  readonly header: RecordBatchHeader
}

/**
 * The headers of consecutive batches, up to the end or to an incomplete last batch, which a fetch may cut off.
 * Throws MalformedBytes for what is not a batch at all.
 */
export function* batchHeaders(bytes: Buffer): Generator<PlacedBatchHeader, void, undefined> {
  let at = 0
  while (bytes.length - at >= recordBatchHeaderBytes) {
    const header = readBatchHeader(bytes, at)
    if (header.sizeInBytes > bytes.length - at) return
    yield { at, header }
    at += header.sizeInBytes
  }
}

function int64At(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4294967296 + bytes.readUInt32BE(at + 4)
}
