import { BufferReader, BufferUnderflow, crc32c, MalformedBytes } from '@keyfold/bytes'
import { decompressor } from './decompress.ts'
import { KafkaClientError } from './errors.ts'
import { FetchedRecord } from './fetched-record.ts'

/** The header of one stored batch, and its records still as bytes. */
export interface RecordBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly transactional: boolean
  /** The control bit: a transaction marker, whatever its records look like. */
  readonly control: boolean
  /** The broker's time holds for every record instead of the record's own. */
  readonly logAppendTime: boolean
  readonly recordCount: number
  /** Decompressed. */
  readonly records: Buffer
  readonly source: BatchSource
}

/** The partition that a batch was fetched from. */
export interface BatchSource {
  readonly topic: string
  readonly partition: number
}

const headerBytes = 61
const bits = { compression: 0x07, logAppendTime: 0x08, transactional: 0x10, control: 0x20 }

/**
 * The batches of one fetched partition, in order. A last batch that was cut off by the size limit is left out (KIP-74).
 * Errors: `RECORDS_CORRUPT`, `COMPRESSION_UNSUPPORTED`.
 */
export function decodeRecordBatches(bytes: Buffer, source: BatchSource): RecordBatch[] {
  const reader = new BufferReader(bytes)
  const batches: RecordBatch[] = []
  while (reader.remaining >= headerBytes) {
    const baseOffset = reader.readInt64()
    const length = reader.readInt32()
    if (length > reader.remaining) break
    const start = reader.skip(length)
    batches.push(guarded(baseOffset, () => decodeBatch(bytes.subarray(0, start + length), baseOffset, start, source)))
  }
  return batches
}

/** The records of a batch whose offset is at least `fromOffset`. Errors: `RECORDS_CORRUPT`. */
export function decodeRecords(batch: RecordBatch, fromOffset: number): FetchedRecord[] {
  return guarded(batch.baseOffset, () => {
    const reader = new BufferReader(batch.records)
    const records: FetchedRecord[] = []
    for (let index = 0; index < batch.recordCount; index++) {
      const length = reader.readVarint()
      const end = reader.position + length
      const record = decodeRecord(reader, batch)
      reader.position = end
      if (record.offset >= fromOffset) records.push(record)
    }
    return records
  })
}

/** Whether a control batch ends its transaction by aborting it. Its key is {version int16, type int16}: 0 aborts. */
export function isAbortMarker(batch: RecordBatch): boolean {
  const key = decodeRecords(batch, batch.baseOffset)[0]?.key
  return key !== null && key !== undefined && key.length >= 4 && key.readInt16BE(2) === 0
}

function decodeBatch(bytes: Buffer, baseOffset: number, start: number, source: BatchSource): RecordBatch {
  const reader = new BufferReader(bytes, start)
  reader.readInt32()
  const magic = reader.readInt8()
  if (magic !== 2) throw new KafkaClientError('RECORDS_CORRUPT', `a batch of format ${magic} at offset ${baseOffset}`)
  const checksum = reader.readUInt32()
  if (crc32c(bytes.subarray(reader.position)) !== checksum)
    throw new KafkaClientError('RECORDS_CORRUPT', `the checksum of the batch at offset ${baseOffset} is wrong`)
  const attributes = reader.readInt16()
  const lastOffset = baseOffset + reader.readInt32()
  const baseTimestamp = reader.readInt64()
  const maxTimestamp = reader.readInt64()
  const producerId = reader.readInt64()
  reader.skip(6)
  const recordCount = reader.readInt32()
  return {
    baseOffset,
    lastOffset,
    baseTimestamp,
    maxTimestamp,
    producerId,
    transactional: (attributes & bits.transactional) !== 0,
    control: (attributes & bits.control) !== 0,
    logAppendTime: (attributes & bits.logAppendTime) !== 0,
    recordCount,
    records: decompress(attributes & bits.compression, reader.readBytes(reader.remaining)),
    source,
  }
}

function decodeRecord(reader: BufferReader, batch: RecordBatch): FetchedRecord {
  reader.readInt8()
  const timestampDelta = reader.readVarlong()
  const offset = batch.baseOffset + reader.readVarint()
  const key = readVarintBytes(reader)
  const value = readVarintBytes(reader)
  const timestampMs = batch.logAppendTime ? batch.maxTimestamp : batch.baseTimestamp + timestampDelta
  const { topic, partition } = batch.source
  const places = { bytes: batch.records, headersAt: reader.position }
  return new FetchedRecord({ topic, partition, offset, timestampMs, key, value, ...places })
}

function readVarintBytes(reader: BufferReader): Buffer | null {
  const length = reader.readVarint()
  return length < 0 ? null : reader.readBytes(length)
}

const decompress = decompressor()

function guarded<Result>(baseOffset: number, decode: () => Result): Result {
  try {
    return decode()
  } catch (error) {
    if (error instanceof BufferUnderflow || error instanceof MalformedBytes)
      throw new KafkaClientError('RECORDS_CORRUPT', `the batch at offset ${baseOffset} is cut or broken`, {
        cause: error,
      })
    throw error
  }
}
