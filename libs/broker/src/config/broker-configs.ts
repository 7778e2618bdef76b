import type { ConfigDefinition } from './config-definition.ts'
import { consumerGroupConfigs } from './consumer-group-configs.ts'
import { logConfigs } from './log-configs.ts'

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
  'default.replication.factor': {
    type: 'int',
    default: '1',
    min: 1,
    max: 16,
    doc: 'Replicas of a topic whose creator does not say; at most keyfold.virtual.brokers.',
  },
  'keyfold.virtual.brokers': {
    type: 'int',
    default: '1',
    min: 1,
    max: 16,
    doc: 'As how many nodes this process answers, each on a port of its own, all over the same data: for clients and tests that want a cluster.',
  },
  'keyfold.topics.max': { type: 'int', default: '10000', min: 1, dynamic: true, doc: 'Topics the broker keeps.' },
  'keyfold.partitions.max': {
    type: 'int',
    default: '20000',
    min: 1,
    dynamic: true,
    doc: 'Partitions of all topics together.',
  },
  'keyfold.metrics.series.max': {
    type: 'int',
    default: '1000',
    min: 1,
    dynamic: true,
    doc: 'Samples of one metric in an answer of /metrics; keyfold_broker_omitted_series counts those left out.',
  },

  'keyfold.client.quotas.max': {
    type: 'int',
    default: '10000',
    min: 1,
    dynamic: true,
    doc: 'Entities whose quotas the broker keeps.',
  },
  'keyfold.users.max': {
    type: 'int',
    default: '10000',
    min: 1,
    dynamic: true,
    doc: 'Users whose SCRAM credentials the broker keeps.',
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
  'max.incremental.fetch.session.cache.slots': {
    type: 'int',
    default: '1000',
    min: 0,
    dynamic: true,
    doc: 'Fetch sessions that are kept; more clients are answered without a session.',
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
    dynamic: true,
    doc: 'Default of the topic setting.',
  },
  'compression.gzip.level': {
    type: 'int',
    default: '-1',
    min: -1,
    max: 9,
    dynamic: true,
    doc: 'Default of the topic setting.',
  },
  'compression.lz4.level': {
    type: 'int',
    default: '9',
    min: 1,
    max: 17,
    dynamic: true,
    doc: 'Default of the topic setting; the library has one level only.',
  },
  'compression.zstd.level': {
    type: 'int',
    default: '3',
    min: -131072,
    max: 22,
    dynamic: true,
    doc: 'Default of the topic setting.',
  },
  'keyfold.records.validate.compressed': {
    type: 'boolean',
    default: 'true',
    dynamic: true,
    doc: 'Decompress every batch to check its records, as Kafka does; false saves the time where no rule needs it.',
  },
  'keyfold.decompressed.bytes.max': {
    type: 'int',
    default: String(32 * mebibyte),
    min: 1024,
    dynamic: true,
    doc: 'The most that the records of one batch may decompress to.',
  },
  'min.insync.replicas': { type: 'int', default: '1', min: 1, doc: 'Default of the topic setting.' },

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
  ...consumerGroupConfigs,
  'keyfold.groups.max': { type: 'int', default: '10000', min: 1, dynamic: true, doc: 'Groups the broker keeps.' },
  'keyfold.transactional.ids.max': {
    type: 'int',
    default: '100000',
    min: 1,
    doc: 'Transactional ids the broker keeps.',
  },
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
  'transaction.partition.verification.enable': {
    type: 'boolean',
    default: 'true',
    dynamic: true,
    doc: 'Whether transactional batches of old clients are refused that were not announced to the coordinator.',
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

  ...logConfigs,
} as const satisfies Record<string, ConfigDefinition>

export type BrokerConfigKey = keyof typeof brokerConfigs

export function brokerConfigDefinition(key: string): ConfigDefinition | undefined {
  return Object.hasOwn(brokerConfigs, key) ? brokerConfigs[key as BrokerConfigKey] : undefined
}
