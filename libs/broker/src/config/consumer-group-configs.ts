import type { ConfigDefinition } from './config-definition.ts'

/** The broker's settings for groups of the consumer protocol (KIP-848). */
export const consumerGroupConfigs = {
  'group.consumer.session.timeout.ms': {
    type: 'int',
    default: '45000',
    min: 1,
    dynamic: true,
    doc: 'Default of consumer.session.timeout.ms: how long a member of the consumer protocol may be silent.',
  },
  'group.consumer.min.session.timeout.ms': {
    type: 'int',
    default: '45000',
    min: 1,
    dynamic: true,
    doc: 'Shortest session timeout of the consumer protocol.',
  },
  'group.consumer.max.session.timeout.ms': {
    type: 'int',
    default: '60000',
    min: 1,
    dynamic: true,
    doc: 'Longest session timeout of the consumer protocol.',
  },
  'group.consumer.heartbeat.interval.ms': {
    type: 'int',
    default: '5000',
    min: 1,
    dynamic: true,
    doc: 'Default of consumer.heartbeat.interval.ms: how often members of the consumer protocol send heartbeats.',
  },
  'group.consumer.min.heartbeat.interval.ms': {
    type: 'int',
    default: '5000',
    min: 1,
    dynamic: true,
    doc: 'Shortest heartbeat interval of the consumer protocol.',
  },
  'group.consumer.max.heartbeat.interval.ms': {
    type: 'int',
    default: '15000',
    min: 1,
    dynamic: true,
    doc: 'Longest heartbeat interval of the consumer protocol.',
  },
  'group.consumer.max.size': {
    type: 'int',
    default: '1000',
    min: 1,
    dynamic: true,
    doc: 'Members of one group of the consumer protocol; Kafka has no limit.',
  },
  'group.consumer.assignors': {
    type: 'list',
    default: 'uniform,range',
    oneOf: ['uniform', 'range'],
    doc: 'Assignors of the consumer protocol; the first is the default.',
  },
  'group.consumer.migration.policy': {
    type: 'string',
    default: 'bidirectional',
    oneOf: ['bidirectional', 'upgrade', 'downgrade', 'disabled'],
    doc: 'Which way groups in use may change between the classic and the consumer protocol.',
  },
} as const satisfies Record<string, ConfigDefinition>
