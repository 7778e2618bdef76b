import { KafkaError, Metadata, type RequestOf } from '@keyfold/protocol'
import { zeroUuid } from '@keyfold/bytes'
import type { BrokerContext } from '../broker-context.ts'
import type { Cluster } from '../cluster.ts'
import { checkNewTopic } from '../topics/new-topic.ts'
import { partitionIndexes, type Topic } from '../topics/topic.ts'
import { authorizedOperations, operationsNotAsked } from './authorized-operations.ts'
import { handler } from './handler.ts'
import { partitionPlacement } from './partition-placement.ts'
import { missingTopic } from './topic-of.ts'

/**
 * Metadata (3), versions 0-13.
 * Behaviour: the nodes, and the topics asked for. An unknown topic is created on the spot where both the broker
 * (`auto.create.topics.enable`) and the request allow it; the answer then waits until it is durable.
 * Versions: 0 no topics means all; 1+ null means all, an empty list none; 4 the client may forbid creation; 8 tells what
 * the client may do with topics and, up to 10, with the cluster, if it asks; 10 topic ids, by which topics can be asked
 * for from 12 on (a request that does it earlier is refused as a whole).
 * Not done: nothing.
 */
export const metadata = handler(Metadata, async (request, broker, { version }) => {
  const { cluster, catalog } = broker
  if (version < 12 && request.topics?.some(isById) === true) return refused(request.topics)
  const wantsAll = request.topics === null || (version === 0 && request.topics.length === 0)
  const mayCreate = request.allowAutoTopicCreation && broker.config.boolean('auto.create.topics.enable')
  let lsn = 0
  const topics = wantsAll
    ? catalog.all().map((topic) => describe(topic, cluster))
    : (request.topics ?? []).map(({ name, topicId }) => {
        // Java leaves the name empty where it asks by id.
        if (name === null || topicId !== zeroUuid) return byId(topicId, broker)
        const { error } = missingTopic(name)
        if (error === KafkaError.INVALID_TOPIC_EXCEPTION) return failed(name, error)
        if (catalog.get(name) === undefined && mayCreate) {
          const outcome = autoCreate(name, broker)
          if (outcome.error !== KafkaError.NONE) return failed(name, outcome.error)
          ;({ lsn } = outcome)
        }
        const topic = catalog.get(name)
        return topic === undefined ? failed(name, error) : describe(topic, cluster)
      })
  await broker.storage.durable(lsn)
  const { includeTopicAuthorizedOperations: ofTopics, includeClusterAuthorizedOperations: ofCluster } = request
  return {
    brokers: cluster.nodes,
    clusterId: catalog.clusterId,
    controllerId: cluster.controllerId,
    topics: topics.map((topic) => {
      // An id that is unknown is no topic that anybody could be allowed something with.
      const isAsked = ofTopics && topic.name !== null
      return { ...topic, topicAuthorizedOperations: isAsked ? authorizedOperations.topic : operationsNotAsked }
    }),
    clusterAuthorizedOperations: ofCluster ? authorizedOperations.cluster : operationsNotAsked,
  }
})

type WantedTopic = NonNullable<RequestOf<typeof Metadata>['topics']>[number]

function isById({ name, topicId }: WantedTopic): boolean {
  return name === null || topicId !== zeroUuid
}

/** The answer to a request that its version does not have. */
function refused(topics: readonly WantedTopic[]) {
  const { code: errorCode } = KafkaError.INVALID_REQUEST
  const nothing = { errorCode, isInternal: false, partitions: [] }
  return {
    brokers: [],
    clusterId: null,
    controllerId: -1,
    topics: topics.map(({ name, topicId }) => ({ name, topicId, ...nothing })),
  }
}

function byId(topicId: string, { catalog, cluster }: BrokerContext) {
  const topic = catalog.byId(topicId)
  if (topic !== undefined) return describe(topic, cluster)
  return { ...failed(null, KafkaError.UNKNOWN_TOPIC_ID), topicId }
}

function autoCreate(name: string, broker: BrokerContext): { error: KafkaError; lsn: number } {
  const checked = checkNewTopic(broker, {
    name,
    numPartitions: -1,
    replicationFactor: -1,
    assignments: [],
    configs: [],
  })
  if ('error' in checked) return { error: checked.error, lsn: 0 }
  return { error: KafkaError.NONE, lsn: broker.catalog.create({ name, ...checked }) }
}

function describe(topic: Topic, cluster: Cluster) {
  return {
    errorCode: KafkaError.NONE.code,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.isInternal,
    partitions: partitionIndexes(topic).map((index) => partitionPlacement(cluster, topic, index)),
  }
}

function failed(name: string | null, error: KafkaError) {
  return { errorCode: error.code, name, topicId: zeroUuid, isInternal: false, partitions: [] }
}
