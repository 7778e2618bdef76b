import { DeleteTopics, KafkaError } from '@keyfold/protocol'
import { zeroUuid } from '@keyfold/bytes'
import { handler } from './handler.ts'

/**
 * DeleteTopics (20), versions 1-6.
 * Behaviour: deletes topics with their records and the offsets committed in them; fetches that wait on them end.
 * Versions: 5 error messages, 6 topics by id, and then without a name.
 * Not done: timeouts (deletion never waits for others).
 */
export const deleteTopics = handler(DeleteTopics, async (request, { catalog, storage }, { version }) => {
  const references = version >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: zeroUuid }))
  let lsn = 0
  const responses = references.map(({ name, topicId }) => {
    if ((name === null) === (topicId === zeroUuid)) return { name, topicId, ...eitherNameOrId }
    const topic = name === null ? catalog.byId(topicId) : catalog.get(name)
    const unknown = name === null ? KafkaError.UNKNOWN_TOPIC_ID : KafkaError.UNKNOWN_TOPIC_OR_PARTITION
    const error = storage.acceptsWrites ? unknown : KafkaError.KAFKA_STORAGE_ERROR
    if (topic === undefined || !storage.acceptsWrites) {
      return { name, topicId, errorCode: error.code, errorMessage: error.text }
    }
    lsn = catalog.delete(topic)
    return { name: topic.name, topicId: topic.id, errorCode: KafkaError.NONE.code }
  })
  await storage.durable(lsn)
  return { responses }
})

const eitherNameOrId = {
  errorCode: KafkaError.INVALID_REQUEST.code,
  errorMessage: 'a topic has either a name or an id',
}
