import type { AggregateDescriptor } from '@keyfold/eventsourcing'
import type { KafkaClient } from '@keyfold/kafka'
import { fail } from '../errors.ts'
import type { EventStoreLogger } from '../event-store-options.ts'
import { stateTopicOf } from '../event-topics.ts'
import { inspectNodes } from './inspect-nodes.ts'
import { inspectedSettings, inspectTopic, type PreflightFinding, type PreflightMode } from './preflight-findings.ts'
import { recordedPartitions, recordPartitions } from './recorded-partitions.ts'

export interface Preflight {
  readonly kafka: KafkaClient
  readonly aggregates: readonly AggregateDescriptor[]
  readonly mode: PreflightMode
  readonly log: EventStoreLogger
}

/**
 * Looks at what the nodes can do and at the topics of the aggregates before anything is written to them, and says how to
 * mend what is wrong.
 * Errors: `PREFLIGHT_REFUSED`, whose details have every finding; those of the Kafka client.
 */
export async function passPreflight({ kafka, aggregates, mode, log }: Preflight): Promise<void> {
  if (mode === 'off') return
  const names = aggregates.flatMap(({ topic }) => [topic, stateTopicOf(topic)])
  const [{ nodes }, topics, capabilities = []] = await Promise.all([
    kafka.cluster(),
    kafka.describeTopics(names, inspectedSettings),
    kafka.capabilities?.(),
  ])
  const states = new Set(aggregates.map(({ topic }) => stateTopicOf(topic)))
  const findings = topics.flatMap((topic) => {
    const kind = states.has(topic.name) ? 'state' : 'events'
    return inspectTopic({ topic, kind, nodes: nodes.length })
  })
  const counts = new Map(topics.map(({ name, partitions }) => [name, partitions]))
  const grown = await Promise.all(
    aggregates.map(({ topic }) => inspectCount({ kafka, log }, topic, counts.get(topic) ?? 0)),
  )
  report([...inspectNodes(capabilities), ...findings, ...grown.flat()], mode, log)
}

async function inspectCount(
  { kafka, log }: Pick<Preflight, 'kafka' | 'log'>,
  topic: string,
  partitions: number,
): Promise<readonly PreflightFinding[]> {
  const stateTopic = stateTopicOf(topic)
  const recorded = await recordedPartitions(kafka, stateTopic)
  if (recorded === undefined && !(await recordPartitions(kafka, { stateTopic, partitions })))
    log('warn', `the number of partitions of ${topic} could not be recorded: the next start tries again`)
  if (recorded === undefined || recorded === partitions) return []
  return [
    {
      topic,
      setting: 'partitions',
      value: `${partitions}`,
      severity: 'danger',
      problem: `it had ${recorded} at first: known keys go to partitions now where they have no history`,
      fix: `copy its events, in order, to a new topic of ${partitions} partitions, or to one of ${recorded}`,
    },
  ]
}

function report(findings: readonly PreflightFinding[], mode: PreflightMode, log: EventStoreLogger): void {
  const dangers = findings.filter(({ severity }) => severity === 'danger')
  const refused = mode === 'refuse' && dangers.length > 0
  for (const finding of findings) {
    if (refused && finding.severity === 'danger') continue
    log('warn', `${textOf(finding)}. Fix: ${finding.fix}`, { ...finding })
  }
  if (!refused) return
  const reasons = dangers.map((finding) => `${textOf(finding)} (${finding.fix})`)
  throw fail('PREFLIGHT_REFUSED', reasons.join('; '), { details: { findings } })
}

function textOf({ topic, nodes = [], setting, value, problem }: PreflightFinding): string {
  return `${topic === undefined ? `node ${nodes.join(', ')}` : `topic ${topic}`} has ${setting}=${value}: ${problem}`
}
