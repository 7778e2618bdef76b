import type { TopicDescription } from '@keyfold/kafka'

/**
 * - `refuse` (default): what can lose or tear events keeps the event store from starting; the rest is a warning.
 * - `warn`: everything is a warning.
 * - `off`: nothing is looked at.
 */
export type PreflightMode = 'refuse' | 'warn' | 'off'

/** Something about a topic or the cluster's nodes that an event store should not run with. */
export interface PreflightFinding {
  /** Left out for nodes. */
  readonly topic?: string
  /** Their addresses; left out for a topic. */
  readonly nodes?: readonly string[]
  /** Kafka's key, `partitions` or `replication factor`; of nodes a feature, or what they can do. */
  readonly setting: string
  readonly value: string
  /** `danger`: events can get lost or torn. `advice`: less than the cluster could do. */
  readonly severity: 'danger' | 'advice'
  readonly problem: string
  readonly fix: string
}

/** A topic of an aggregate, as it is. */
export interface InspectedTopic {
  readonly topic: TopicDescription
  readonly kind: 'events' | 'state'
  /** Of the cluster. */
  readonly nodes: number
}

/** The settings that are looked at. */
export const inspectedSettings = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'min.insync.replicas',
  'unclean.leader.election.enable',
] as const

interface SettingRule {
  readonly kind: 'events' | 'state' | 'any'
  readonly setting: string
  readonly wanted: string
  readonly problem: string
}

const settingRules: readonly SettingRule[] = [
  { kind: 'events', setting: 'cleanup.policy', wanted: 'delete', problem: 'compaction removes events' },
  { kind: 'events', setting: 'retention.ms', wanted: '-1', problem: 'events are deleted when they are old' },
  { kind: 'events', setting: 'retention.bytes', wanted: '-1', problem: 'events are deleted when there are many' },
  {
    kind: 'state',
    setting: 'cleanup.policy',
    wanted: 'compact',
    problem: 'what is kept by key is deleted or never ends',
  },
  {
    kind: 'any',
    setting: 'unclean.leader.election.enable',
    wanted: 'false',
    problem: 'a replica that lags may become leader, and committed events are gone',
  },
]

/** What is wrong with a topic. Settings that the cluster does not tell are not judged. */
export function inspectTopic(inspected: InspectedTopic): readonly PreflightFinding[] {
  const { topic, kind } = inspected
  const findings = settingRules.flatMap((rule): PreflightFinding[] => {
    const value = topic.configs[rule.setting]
    if ((rule.kind !== 'any' && rule.kind !== kind) || value === undefined || value === '' || value === rule.wanted)
      return []
    const { setting, wanted, problem } = rule
    return [{ topic: topic.name, setting, value, severity: 'danger', problem, fix: set(topic.name, setting, wanted) }]
  })
  return [...findings, ...inspectReplication(inspected)]
}

/** One node alone can have no replicas: that is its owner's choice. */
function inspectReplication({ topic, nodes }: InspectedTopic): readonly PreflightFinding[] {
  const { name, replicationFactor, configs } = topic
  if (replicationFactor === undefined || nodes < 2) return []
  const inSync = Number(configs['min.insync.replicas'] ?? 1)
  const finding = { topic: name, severity: 'advice' } as const
  if (inSync > replicationFactor) {
    const problem = `${inSync} replicas must have a record and there are ${replicationFactor}: nothing can be written`
    const fix = set(name, 'min.insync.replicas', `${Math.max(1, replicationFactor - 1)}`)
    return [{ ...finding, severity: 'danger', setting: 'min.insync.replicas', value: `${inSync}`, problem, fix }]
  }
  if (replicationFactor < Math.min(3, nodes)) {
    const problem = `events are lost with ${replicationFactor} of ${nodes} nodes`
    const fix = `reassign its partitions to ${Math.min(3, nodes)} replicas (kafka-reassign-partitions), and set the cluster's default.replication.factor`
    return [{ ...finding, setting: 'replication factor', value: `${replicationFactor}`, problem, fix }]
  }
  if (inSync >= 2) return []
  const problem = 'a commit counts as soon as one node has it'
  const fix = set(name, 'min.insync.replicas', '2')
  return [{ ...finding, setting: 'min.insync.replicas', value: `${inSync}`, problem, fix }]
}

function set(topic: string, setting: string, value: string): string {
  return `kafka-configs --alter --entity-type topics --entity-name ${topic} --add-config ${setting}=${value}`
}
