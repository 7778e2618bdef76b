import type { AggregateDescriptor } from '@keyfold/eventsourcing'
import type { KafkaClient } from '@keyfold/kafka'
import { fail } from './errors.ts'
import type { EventStoreLogger } from './event-store-options.ts'

/** Kafka settings of the two topics of an aggregate; the event log keeps everything. */
const eventSettings = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' } as const
const stateSettings = { 'cleanup.policy': 'compact' } as const

export function stateTopicOf(topic: string): string {
  return `${topic}.state`
}

/**
 * Creates the topics that are missing, and returns the number of partitions of each aggregate's topic. Errors: `TOPIC_MISMATCH`, those of the Kafka client.
 */
export async function prepareTopics(
  kafka: KafkaClient,
  aggregates: readonly AggregateDescriptor[],
  partitions: number,
  log: EventStoreLogger,
): Promise<ReadonlyMap<string, number>> {
  const names = aggregates.flatMap(({ topic }) => [topic, stateTopicOf(topic)])
  const existing = new Map((await kafka.describeTopics(names)).map((topic) => [topic.name, topic]))
  const wanted = aggregates.flatMap(({ topic }) => {
    const state = stateTopicOf(topic)
    const count = existing.get(topic)?.partitions ?? existing.get(state)?.partitions ?? partitions
    return [
      { name: topic, partitions: count, configs: eventSettings },
      { name: state, partitions: count, configs: stateSettings },
    ]
  })
  const created = await kafka.ensureTopics(wanted)
  if (created.length > 0) log('info', `created topics ${created.join(', ')}`)
  for (const { name, partitions: count } of wanted) {
    const found = existing.get(name)
    if (found === undefined) continue
    if (found.partitions !== count)
      throw fail('TOPIC_MISMATCH', `topic ${name} has ${found.partitions} partitions, its events topic has ${count}`)
  }
  return new Map(wanted.map(({ name, partitions: count }) => [name, count]))
}
