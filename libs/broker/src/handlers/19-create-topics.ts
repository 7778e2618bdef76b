import { zeroUuid } from '@keyfold/bytes'
import { CreateTopics, KafkaError, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { configSources } from '../config/broker-config.ts'
import { type TopicConfigKey, topicConfigs } from '../config/topic-configs.ts'
import { topicConfigLayers } from '../topics/effective-config.ts'
import { checkNewTopic, type CheckedTopic } from '../topics/new-topic.ts'
import { eachOnce } from './each-once.ts'
import { handler } from './handler.ts'

/**
 * CreateTopics (19), versions 2-7.
 * Behaviour: creates topics and answers once they are durable; each topic has its own error. -1 for the partitions or
 * the replication factor means the broker's default, in every version. A name twice in one request creates neither.
 * Versions: 5 answers with counts and settings, 7 with the topic id.
 * Not done: timeouts (creation never waits for others).
 */
export const createTopics = handler(CreateTopics, async (request, broker) => {
  let lsn = 0
  const topics = eachOnce(request.topics, ({ name }) => name).map(({ item: topic, isTwice }) => {
    const { name } = topic
    if (isTwice) return failed(name, KafkaError.INVALID_REQUEST, `Duplicate topic name '${name}' in the request.`)
    const checked = checkNewTopic(broker, topic)
    if ('error' in checked) return failed(name, checked.error, checked.message)
    if (!request.validateOnly) lsn = broker.catalog.create({ name, ...checked })
    // A topic that is only tried has an id as well, of no topic.
    return created(broker, topic, checked)
  })
  await broker.storage.durable(lsn)
  return { topics }
})

type NewTopic = RequestOf<typeof CreateTopics>['topics'][number]

function created(
  { config, catalog }: BrokerContext,
  { name }: NewTopic,
  { partitionCount, replicationFactor, configs }: CheckedTopic,
) {
  return {
    name,
    topicId: catalog.get(name)?.id ?? catalog.newTopicId(),
    errorCode: KafkaError.NONE.code,
    errorMessage: null,
    numPartitions: partitionCount,
    replicationFactor,
    configs: Object.keys(topicConfigs).map((key) => {
      const [{ value, source }] = topicConfigLayers(config, configs, key as TopicConfigKey)
      return { name: key, value, readOnly: false, configSource: configSources[source], isSensitive: false }
    }),
  }
}

function failed(name: string, error: KafkaError, errorMessage: string) {
  return { name, topicId: zeroUuid, errorCode: error.code, errorMessage, configs: [] }
}
