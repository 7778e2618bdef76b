import type { BrokerConfig } from './broker-config.ts'
import type { BrokerConfigKey } from './broker-configs.ts'
import { type ConfigDefinition, configProblem } from './config-definition.ts'

/** A setting of one group, with the broker's settings that supply its default and its bounds. */
export interface GroupConfigDefinition extends ConfigDefinition {
  readonly synonym: BrokerConfigKey
  readonly atLeast: BrokerConfigKey
  readonly atMost: BrokerConfigKey
}

/** Kafka's settings of single groups, as far as they concern the consumer protocol. */
export const groupConfigs = {
  'consumer.session.timeout.ms': {
    type: 'int',
    default: '45000',
    min: 1,
    synonym: 'group.consumer.session.timeout.ms',
    atLeast: 'group.consumer.min.session.timeout.ms',
    atMost: 'group.consumer.max.session.timeout.ms',
    doc: 'How long a member may be silent before it is taken out of the group.',
  },
  'consumer.heartbeat.interval.ms': {
    type: 'int',
    default: '5000',
    min: 1,
    synonym: 'group.consumer.heartbeat.interval.ms',
    atLeast: 'group.consumer.min.heartbeat.interval.ms',
    atMost: 'group.consumer.max.heartbeat.interval.ms',
    doc: 'How often members are told to send heartbeats.',
  },
} as const satisfies Record<string, GroupConfigDefinition>

export type GroupConfigKey = keyof typeof groupConfigs

export function groupConfigDefinition(key: string): GroupConfigDefinition | undefined {
  return Object.hasOwn(groupConfigs, key) ? groupConfigs[key as GroupConfigKey] : undefined
}

/** What is wrong with a group's settings, undefined if nothing is: each within its form and the broker's bounds. */
export function groupConfigsProblem(broker: BrokerConfig, configs: ReadonlyMap<string, string>): string | undefined {
  for (const [key, value] of configs) {
    const definition = groupConfigDefinition(key)
    if (definition === undefined) return `Unknown group config name: ${key}`
    const problem = configProblem(key, definition, value)
    if (problem !== undefined) return problem
    const { atLeast, atMost } = definition
    if (Number(value) < broker.number(atLeast)) return `${key} must be greater than or equal to ${atLeast}`
    if (Number(value) > broker.number(atMost)) return `${key} must be less than or equal to ${atMost}`
  }
  return undefined
}
