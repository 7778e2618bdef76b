import { type ConfigDefinition, longMax } from './config-definition.ts'

const mebibyte = 1024 * 1024

/** The broker's settings of logs: mostly the defaults of topic settings, and the cleaner's. */
export const logConfigs = {
  'log.cleanup.policy': {
    type: 'list',
    default: 'delete',
    oneOf: ['delete', 'compact'],
    dynamic: true,
    doc: 'Default of cleanup.policy.',
  },
  'log.cleaner.enable': { type: 'boolean', default: 'true', doc: 'Whether compacted topics are compacted.' },
  'log.cleaner.backoff.ms': {
    type: 'long',
    default: '15000',
    min: 1,
    doc: 'Time between two searches for logs to compact.',
  },
  'log.cleaner.dedupe.buffer.size': {
    type: 'long',
    default: String(32 * mebibyte),
    min: mebibyte,
    dynamic: true,
    doc: 'Memory for the keys of one log while it is compacted; a log with more is compacted in several rounds.',
  },
  'log.cleaner.min.compaction.lag.ms': {
    type: 'long',
    default: '0',
    min: 0,
    dynamic: true,
    doc: 'Default of min.compaction.lag.ms.',
  },
  'log.cleaner.max.compaction.lag.ms': {
    type: 'long',
    default: longMax,
    min: 1,
    dynamic: true,
    doc: 'Default of max.compaction.lag.ms.',
  },
  'log.cleaner.delete.retention.ms': {
    type: 'long',
    default: '86400000',
    min: 0,
    dynamic: true,
    doc: 'Default of delete.retention.ms.',
  },
  'log.cleaner.min.cleanable.ratio': {
    type: 'double',
    default: '0.5',
    min: 0,
    max: 1,
    dynamic: true,
    doc: 'Default of min.cleanable.dirty.ratio.',
  },
  'log.message.timestamp.type': {
    type: 'string',
    default: 'CreateTime',
    oneOf: ['CreateTime', 'LogAppendTime'],
    dynamic: true,
    doc: 'Default of message.timestamp.type.',
  },
  'log.message.timestamp.after.max.ms': {
    type: 'long',
    default: '3600000',
    min: 0,
    dynamic: true,
    doc: 'Default of message.timestamp.after.max.ms.',
  },
  'log.message.timestamp.before.max.ms': {
    type: 'long',
    default: longMax,
    min: 0,
    dynamic: true,
    doc: 'Default of message.timestamp.before.max.ms.',
  },
  'log.retention.bytes': { type: 'long', default: '-1', min: -1, dynamic: true, doc: 'Default of retention.bytes.' },
  'log.retention.ms': { type: 'long', default: '604800000', min: -1, dynamic: true, doc: 'Default of retention.ms.' },
  'log.segment.bytes': {
    type: 'int',
    default: '1073741824',
    min: mebibyte,
    dynamic: true,
    doc: 'Default of segment.bytes.',
  },
  'log.retention.check.interval.ms': {
    type: 'long',
    default: '300000',
    min: 1,
    doc: 'Time between two searches for expired segments.',
  },
  'log.roll.ms': { type: 'long', default: '604800000', min: 1, dynamic: true, doc: 'Default of segment.ms.' },
} as const satisfies Record<string, ConfigDefinition>
