import { KafkaError } from '@keyfold/protocol'
import type { Topic } from '../topics/topic.ts'
import type { TopicCatalog } from '../topics/topic-catalog.ts'

/** How newer requests name a topic: by id; the name is then empty. */
export interface TopicReference {
  name: string
  topicId: string
}

/** Finds a topic by id or by name, with the error that tells the client which of the two is unknown. */
export function findTopic(
  catalog: TopicCatalog,
  reference: TopicReference,
  by: 'name' | 'id',
): { topic: Topic; error: undefined } | { topic: undefined; error: KafkaError } {
  const topic = by === 'id' ? catalog.byId(reference.topicId) : catalog.get(reference.name)
  if (topic !== undefined) return { topic, error: undefined }
  return {
    topic: undefined,
    error: by === 'id' ? KafkaError.UNKNOWN_TOPIC_ID : KafkaError.UNKNOWN_TOPIC_OR_PARTITION,
  }
}
