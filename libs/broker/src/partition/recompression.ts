import { crc32c, MalformedBytes } from '@keyfold/bytes'
import {
  batchAttributes,
  batchPayload,
  compressionCodecs,
  KafkaError,
  type RecordBatchHeader,
  recordBatchHeaderBytes,
  recordBatchLayout,
  recordBatchOverheadBytes,
  UnsupportedCompression,
} from '@keyfold/protocol'

import { type BatchRefusal, refusal, type ValidationContext } from './batch-validation.ts'

/**
 * A valid batch as its topic wants it stored: as it came, or with its records compressed anew where `compression.type`
 * names another algorithm (statement 9). The limit on its size holds for the outcome, too.
 */
export function recompressed(
  batch: Buffer,
  header: RecordBatchHeader,
  { config, compressors }: ValidationContext,
): Buffer | BatchRefusal {
  const { compressionType, compressionLevel, decompressedBytesMax, maxMessageBytes } = config
  if (compressionType === 'producer' || compressionCodecs[compressionType] === header.compression) return batch
  try {
    const payload = batchPayload(batch, 0, { compressors, decompressedBytesMax })
    const changed = withPayload(batch, compress(payload), compressionCodecs[compressionType])
    if (changed.length <= maxMessageBytes) return changed
    const what = `recompressed with ${compressionType} the batch has ${changed.length} bytes, max.message.bytes is ${maxMessageBytes}`
    return refusal(KafkaError.MESSAGE_TOO_LARGE, what)
  } catch (error) {
    if (error instanceof MalformedBytes) return refusal(KafkaError.INVALID_RECORD, error.message)
    if (error instanceof UnsupportedCompression) return refusal(error.kafkaError, error.message)
    throw error
  }

  function compress(payload: Buffer): Buffer {
    if (compressionType === 'producer' || compressionType === 'none') return payload
    const compressor = compressors[compressionType]
    if (compressor === undefined) throw new UnsupportedCompression(compressionCodecs[compressionType])
    return compressor.compress(payload, compressionLevel)
  }
}

/** The batch with other records: length, compression and checksum follow, everything else stays. */
export function withPayload(batch: Buffer, payload: Buffer, codec: number): Buffer {
  const changed = Buffer.concat([batch.subarray(0, recordBatchHeaderBytes), payload])
  const attributes = changed.readInt16BE(recordBatchLayout.attributes)
  changed.writeInt32BE(changed.length - recordBatchOverheadBytes, recordBatchLayout.batchLength)
  changed.writeInt16BE((attributes & ~batchAttributes.compressionMask) | codec, recordBatchLayout.attributes)
  changed.writeUInt32BE(crc32c(changed.subarray(recordBatchLayout.attributes)), recordBatchLayout.crc)
  return changed
}
