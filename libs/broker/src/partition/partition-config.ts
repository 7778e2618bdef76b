import type { CompressionName } from '@keyfold/protocol'

/** Settings of a partition; each is the topic setting whose Kafka name is in the comment. */
export interface PartitionConfig {
  /** segment.bytes */
  segmentBytes: number
  /** segment.ms */
  segmentMs: number
  /** index.interval.bytes */
  indexIntervalBytes: number
  /** max.message.bytes: of a whole batch, as compressed. */
  maxMessageBytes: number
  /** message.timestamp.type */
  timestampType: 'CreateTime' | 'LogAppendTime'
  /** message.timestamp.before.max.ms */
  timestampBeforeMaxMs: number
  /** message.timestamp.after.max.ms */
  timestampAfterMaxMs: number
  /** retention.ms; -1 for ever. */
  retentionMs: number
  /** retention.bytes; -1 without limit. */
  retentionBytes: number
  /** cleanup.policy has `compact`: every record needs a key. */
  compacted: boolean
  /** cleanup.policy has `delete`. */
  deletes: boolean
  /** min.compaction.lag.ms */
  minCompactionLagMs: number
  /** max.compaction.lag.ms */
  maxCompactionLagMs: number
  /** min.cleanable.dirty.ratio */
  minCleanableDirtyRatio: number
  /** delete.retention.ms */
  deleteRetentionMs: number
  /** compression.type: `producer` stores batches as they came. */
  compressionType: 'producer' | CompressionName
  /** compression.gzip.level and so on, for the type above; undefined for the algorithm's own default. */
  compressionLevel: number | undefined
  /** keyfold.records.validate.compressed: the broker's setting. */
  validatesCompressed: boolean
  /** keyfold.decompressed.bytes.max: the broker's setting. */
  decompressedBytesMax: number
}

/** Kafka 4.x's defaults. */
export const defaultPartitionConfig: PartitionConfig = {
  segmentBytes: 1_073_741_824,
  segmentMs: 604_800_000,
  indexIntervalBytes: 4096,
  maxMessageBytes: 1_048_588,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: 3_600_000,
  retentionMs: 604_800_000,
  retentionBytes: -1,
  compacted: false,
  deletes: true,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.POSITIVE_INFINITY,
  minCleanableDirtyRatio: 0.5,
  deleteRetentionMs: 86_400_000,
  compressionType: 'producer',
  compressionLevel: undefined,
  validatesCompressed: true,
  decompressedBytesMax: 33_554_432,
}
