import type { KafkaClient } from '@keyfold/kafka'
import type { HostedProjector } from '../effects.ts'
import { fail } from '../errors.ts'
import type { TopicPartition } from '../read-model-store.ts'

/** Nobody could wait for it. Errors: `TOPIC_NOT_READ`. */
export function refuseOtherTopic({ name, topics }: HostedProjector, topic: string): void {
  if (!topics.includes(topic)) throw fail('TOPIC_NOT_READ', `projector ${name} does not read ${topic}`)
}

/** Every partition that a projector reads. Errors: `TOPIC_MISSING`, those of the client. */
export async function partitionsOf(
  kafka: KafkaClient,
  projector: string,
  topics: readonly string[],
): Promise<readonly TopicPartition[]> {
  const described = new Map((await kafka.describeTopics(topics)).map((topic) => [topic.name, topic.partitions]))
  return topics.flatMap((topic) => {
    const partitions = described.get(topic)
    if (partitions === undefined)
      throw fail('TOPIC_MISSING', `projector ${projector} reads ${topic}, which does not exist`, { details: { topic } })
    return Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  })
}
