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
  /** compression.type: batches are stored as they came. */
  compressionType: 'producer'
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
  compressionType: 'producer',
}
