import { type ConfigDefinition, longMax } from './config-definition.ts'

/** A setting of a topic, with the broker setting that supplies its default. */
export interface TopicConfigDefinition extends ConfigDefinition {
  readonly synonym?: string
  /** The broker's default is under another unit (log.retention.hours), or there is no such setting. */
  readonly hasUnnamedDefault?: true
}

/** Kafka's topic settings under its own names and with its own defaults (4.x). */
export const topicConfigs = {
  'cleanup.policy': {
    type: 'list',
    default: 'delete',
    oneOf: ['delete', 'compact'],
    synonym: 'log.cleanup.policy',
    doc: 'delete drops old segments by time and size, compact keeps the last record per key; both may be combined.',
  },
  'compression.gzip.level': {
    synonym: 'compression.gzip.level',
    type: 'int',
    default: '-1',
    min: -1,
    max: 9,
    doc: 'Level of gzip.',
  },
  'compression.lz4.level': {
    synonym: 'compression.lz4.level',
    type: 'int',
    default: '9',
    min: 1,
    max: 17,
    doc: 'Level of lz4.',
  },
  'compression.type': {
    type: 'string',
    default: 'producer',
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    synonym: 'compression.type',
    doc: 'producer stores batches as they were sent.',
  },
  'compression.zstd.level': {
    synonym: 'compression.zstd.level',
    type: 'int',
    default: '3',
    min: -131072,
    max: 22,
    doc: 'Level of zstd.',
  },
  'delete.retention.ms': {
    type: 'long',
    default: '86400000',
    min: 0,
    synonym: 'log.cleaner.delete.retention.ms',
    doc: 'How long tombstones and transaction markers stay readable after compaction.',
  },
  'file.delete.delay.ms': {
    synonym: 'log.segment.delete.delay.ms',
    type: 'long',
    default: '60000',
    min: 0,
    doc: 'Delay before a deleted file is removed.',
  },
  'flush.messages': {
    synonym: 'log.flush.interval.messages',
    type: 'long',
    default: longMax,
    min: 1,
    doc: 'Not used: the journal is synced before answers.',
  },
  'flush.ms': {
    hasUnnamedDefault: true,
    type: 'long',
    default: longMax,
    min: 0,
    doc: 'Not used: the journal is synced before answers.',
  },
  'index.interval.bytes': {
    synonym: 'log.index.interval.bytes',
    type: 'int',
    default: '4096',
    min: 0,
    doc: 'Bytes between two entries of an index.',
  },
  'max.compaction.lag.ms': {
    type: 'long',
    default: longMax,
    min: 1,
    synonym: 'log.cleaner.max.compaction.lag.ms',
    doc: 'Longest time before a record is compacted.',
  },
  'max.message.bytes': {
    type: 'int',
    default: '1048588',
    min: 0,
    synonym: 'message.max.bytes',
    doc: 'Largest record batch, as sent (after compression), with its overhead of 12 bytes.',
  },
  'message.timestamp.after.max.ms': {
    type: 'long',
    default: '3600000',
    min: 0,
    synonym: 'log.message.timestamp.after.max.ms',
    doc: "How far a record's timestamp may lie in the future (CreateTime only).",
  },
  'message.timestamp.before.max.ms': {
    type: 'long',
    default: longMax,
    min: 0,
    synonym: 'log.message.timestamp.before.max.ms',
    doc: "How far a record's timestamp may lie in the past (CreateTime only).",
  },
  'message.timestamp.type': {
    type: 'string',
    default: 'CreateTime',
    oneOf: ['CreateTime', 'LogAppendTime'],
    synonym: 'log.message.timestamp.type',
    doc: 'Whose clock stamps the records: the producer’s or the broker’s.',
  },
  'min.cleanable.dirty.ratio': {
    type: 'double',
    default: '0.5',
    min: 0,
    max: 1,
    synonym: 'log.cleaner.min.cleanable.ratio',
    doc: 'Share of not yet compacted bytes from which a log is compacted.',
  },
  'min.compaction.lag.ms': {
    type: 'long',
    default: '0',
    min: 0,
    synonym: 'log.cleaner.min.compaction.lag.ms',
    doc: 'Shortest time a record stays uncompacted.',
  },
  'min.insync.replicas': {
    type: 'int',
    default: '1',
    min: 1,
    synonym: 'min.insync.replicas',
    doc: 'One node holds every partition, so every value is met.',
  },
  preallocate: {
    synonym: 'log.preallocate',
    type: 'boolean',
    default: 'false',
    doc: 'Reserve the space of a segment when it is created.',
  },
  'retention.bytes': {
    type: 'long',
    default: '-1',
    min: -1,
    synonym: 'log.retention.bytes',
    doc: 'Size of a partition above which old segments are dropped; -1 for no limit.',
  },
  'retention.ms': {
    hasUnnamedDefault: true,
    type: 'long',
    default: '604800000',
    min: -1,
    synonym: 'log.retention.ms',
    doc: 'Age above which old segments are dropped; -1 for no limit.',
  },
  'segment.bytes': {
    type: 'int',
    default: '1073741824',
    min: 1024 * 1024,
    synonym: 'log.segment.bytes',
    doc: 'Size at which a segment is closed and a new one begins.',
  },
  'segment.index.bytes': {
    synonym: 'log.index.size.max.bytes',
    type: 'int',
    default: '10485760',
    min: 4,
    doc: 'Largest size of an index file.',
  },
  'segment.jitter.ms': {
    hasUnnamedDefault: true,
    type: 'long',
    default: '0',
    min: 0,
    doc: 'Random share taken off segment.ms.',
  },
  'segment.ms': {
    hasUnnamedDefault: true,
    type: 'long',
    default: '604800000',
    min: 1,
    synonym: 'log.roll.ms',
    doc: 'Age at which a segment ends.',
  },
  'unclean.leader.election.enable': { type: 'boolean', default: 'false', doc: 'No meaning on a single node.' },
} as const satisfies Record<string, TopicConfigDefinition>

export type TopicConfigKey = keyof typeof topicConfigs

export function topicConfigDefinition(key: string): TopicConfigDefinition | undefined {
  return Object.hasOwn(topicConfigs, key) ? topicConfigs[key as TopicConfigKey] : undefined
}
