import type { KafkaClient } from '@keyfold/kafka'
import { fail } from '../errors.ts'
import type { TopicPartition } from '../read-model-store.ts'

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
