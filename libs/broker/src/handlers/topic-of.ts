import { KafkaError } from '@keyfold/protocol'
import type { TopicFailure } from '../topics/new-topic.ts'
import type { Topic } from '../topics/topic.ts'
import type { TopicCatalog } from '../topics/topic-catalog.ts'
import { topicNameProblem } from '../topics/topic-name.ts'

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

/** Why there is no topic of a name: there can be none, or nobody has made it. */
export function missingTopic(name: string): TopicFailure {
  const message = topicNameProblem(name)
  if (message !== undefined) return { error: KafkaError.INVALID_TOPIC_EXCEPTION, message }
  return { error: KafkaError.UNKNOWN_TOPIC_OR_PARTITION, message: `The topic '${name}' does not exist.` }
}
