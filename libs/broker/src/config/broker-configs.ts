import { type ConfigDefinition, longMax } from './config-definition.ts'

const mebibyte = 1024 * 1024

/**
 * The settings of the broker. Names are Kafka's wherever Kafka has the setting; what is ours begins with `keyfold.`.
 * Defaults are Kafka's, except where the doc line gives another reason.
 */
export const brokerConfigs = {
  'node.id': { type: 'int', default: '1', min: 0, doc: 'Id of this node towards clients.' },
  'auto.create.topics.enable': {
    type: 'boolean',
    default: 'true',
    dynamic: true,
    doc: 'Metadata of an unknown topic creates it.',
  },
  'num.partitions': {
    type: 'int',
    default: '1',
    min: 1,
    max: 10_000,
    dynamic: true,
    doc: 'Partitions of a topic whose creator does not say.',
  },
  'default.replication.factor': { type: 'int', default: '1', min: 1, max: 1, doc: 'One node: only 1 is possible.' },
  'keyfold.topics.max': { type: 'int', default: '10000', min: 1, dynamic: true, doc: 'Topics the broker keeps.' },
  'keyfold.partitions.max': {
    type: 'int',
    default: '20000',
    min: 1,
    dynamic: true,
    doc: 'Partitions of all topics together.',
  },

  'keyfold.durability': {
    type: 'string',
    default: 'fsync',
    oneOf: ['fsync', 'interval', 'os'],
    doc: 'When answers are given: after the sync, or (losing at most an interval, or what the OS has not written, at power loss) before.',
  },
  'keyfold.durability.interval.ms': {
    type: 'int',
    default: '100',
    min: 1,
    max: 60_000,
    doc: 'Time between syncs with durability interval.',
  },

  'socket.request.max.bytes': {
    type: 'int',
    default: String(16 * mebibyte),
    min: 1024,
    dynamic: true,
    doc: 'Largest request frame; smaller than Kafka’s 100 MiB because it is the memory one client can claim.',
  },
  'max.connections': {
    type: 'int',
    default: '1000',
    min: 1,
    dynamic: true,
    doc: 'Open connections; Kafka has no limit.',
  },
  'max.connections.per.ip': {
    type: 'int',
    default: '1000',
    min: 1,
    dynamic: true,
    doc: 'Open connections of one address; an embedded broker sees all clients as 127.0.0.1.',
  },
  'connections.max.idle.ms': {
    type: 'long',
    default: '600000',
    min: 1000,
    dynamic: true,
    doc: 'A connection without a request for so long is closed.',
  },
  'keyfold.frame.deadline.ms': {
    type: 'int',
    default: '30000',
    min: 100,
    dynamic: true,
    doc: 'Longest time from the first to the last byte of a request.',
  },
  'keyfold.connection.requests.max': {
    type: 'int',
    default: '32',
    min: 1,
    dynamic: true,
    doc: 'Unanswered requests of one connection before it is no longer read.',
  },

  'fetch.max.bytes': {
    type: 'int',
    default: String(55 * mebibyte),
    min: 1024,
    dynamic: true,
    doc: 'Largest answer to one fetch.',
  },
  'keyfold.fetch.wait.max.ms': {
    type: 'int',
    default: '60000',
    min: 0,
    dynamic: true,
    doc: 'Longest time a fetch may ask to wait for data.',
  },
  'message.max.bytes': { type: 'int', default: '1048588', min: 0, dynamic: true, doc: 'Default of max.message.bytes.' },
  'compression.type': {
    type: 'string',
    default: 'producer',
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    doc: 'Default of the topic setting.',
  },
  'min.insync.replicas': { type: 'int', default: '1', min: 1, doc: 'Default of the topic setting.' },
  'log.cleanup.policy': {
    type: 'list',
    default: 'delete',
    oneOf: ['delete', 'compact'],
    dynamic: true,
    doc: 'Default of cleanup.policy.',
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

  'group.initial.rebalance.delay.ms': {
    type: 'int',
    default: '3000',
    min: 0,
    dynamic: true,
    doc: 'How long an empty group waits for more members before its first assignment.',
  },
  'group.min.session.timeout.ms': {
    type: 'int',
    default: '6000',
    min: 1,
    dynamic: true,
    doc: 'Shortest session timeout a member may ask for.',
  },
  'group.max.session.timeout.ms': {
    type: 'int',
    default: '1800000',
    min: 1,
    dynamic: true,
    doc: 'Longest session timeout a member may ask for.',
  },
  'group.max.size': {
    type: 'int',
    default: '1000',
    min: 1,
    dynamic: true,
    doc: 'Members of one group; Kafka has no limit.',
  },
  'keyfold.groups.max': { type: 'int', default: '10000', min: 1, dynamic: true, doc: 'Groups the broker keeps.' },
  'offset.metadata.max.bytes': {
    type: 'int',
    default: '4096',
    min: 0,
    dynamic: true,
    doc: 'Longest text a client may store with an offset.',
  },
  'offsets.retention.minutes': {
    type: 'int',
    default: '10080',
    min: 1,
    dynamic: true,
    doc: 'How long the offsets of an empty group are kept.',
  },
  'offsets.retention.check.interval.ms': {
    type: 'long',
    default: '600000',
    min: 1,
    dynamic: true,
    doc: 'Time between two searches for expired offsets.',
  },

  'transaction.max.timeout.ms': {
    type: 'int',
    default: '900000',
    min: 1,
    doc: 'Longest transaction timeout a producer may ask for.',
  },
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': {
    type: 'int',
    default: '1000',
    min: 1,
    doc: 'Time between two searches for transactions that ran out of time; Kafka searches every 10 s.',
  },
  'transactional.id.expiration.ms': {
    type: 'int',
    default: '604800000',
    min: 1,
    doc: 'An idle transactional id is forgotten after this time.',
  },
  'producer.id.expiration.ms': {
    type: 'int',
    default: '86400000',
    min: 1,
    doc: 'The sequence numbers of an idle producer are forgotten after this time.',
  },
} as const satisfies Record<string, ConfigDefinition>

export type BrokerConfigKey = keyof typeof brokerConfigs

export function brokerConfigDefinition(key: string): ConfigDefinition | undefined {
  return Object.hasOwn(brokerConfigs, key) ? brokerConfigs[key as BrokerConfigKey] : undefined
}
