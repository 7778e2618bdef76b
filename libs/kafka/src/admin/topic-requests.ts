import { zeroUuid } from '@keyfold/bytes'
import {
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  Metadata,
  type ResponseOf,
} from '@keyfold/protocol'
import type { Cluster } from '../cluster.ts'
import { KafkaClientError } from '../errors.ts'
import type { NewTopic, TopicDetails, TopicListing } from '../kafka-admin.ts'
import type { Offset } from '../kafka-client.ts'
import { retrying } from '../retry.ts'
import { byLeader } from './by-leader.ts'
import { throwIfRefused } from './refusal.ts'

const deadlineMs = 30_000

export async function listTopics(cluster: Cluster): Promise<readonly TopicListing[]> {
  const { topics } = await metadata(cluster, null)
  return topics
    .filter(({ errorCode }) => errorCode === 0)
    .map(listingOf)
    .sort((left, right) => (left.name < right.name ? -1 : 1))
}

export async function describeTopic(cluster: Cluster, name: string): Promise<TopicDetails> {
  const { topics } = await metadata(cluster, name)
  const topic = topics[0]
  if (topic === undefined) throw new KafkaClientError('UNKNOWN_TOPIC_OR_PARTITION', `topic ${name} does not exist`)
  throwIfRefused(topic.errorCode, `topic ${name}`)
  const layout = topic.partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
    partition: partitionIndex,
    leader: leaderId,
    replicas: replicaNodes,
    inSyncReplicas: isrNodes,
  }))
  const topicId = topic.topicId === zeroUuid ? undefined : topic.topicId
  return { ...listingOf(topic), topicId, layout: layout.sort((left, right) => left.partition - right.partition) }
}

export function createTopic(cluster: Cluster, topic: NewTopic): Promise<void> {
  const { name, partitions = -1, replicationFactor = -1, configs = {}, validateOnly = false } = topic
  return retrying({ deadlineMs }, async () => {
    const link = await cluster.linkToController()
    const { topics } = await link.ask(CreateTopics, {
      topics: [
        {
          name,
          numPartitions: partitions,
          replicationFactor,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: cluster.settings.requestTimeoutMs,
      validateOnly,
    })
    for (const { errorCode, errorMessage } of topics) throwIfRefused(errorCode, `topic ${name}`, errorMessage)
    cluster.forget(name)
  })
}

export function deleteTopic(cluster: Cluster, name: string): Promise<void> {
  return retrying({ deadlineMs }, async () => {
    const link = await cluster.linkToController()
    const request = { topics: [], topicNames: [name], timeoutMs: cluster.settings.requestTimeoutMs }
    const { responses } = await link.ask(DeleteTopics, request, 5)
    for (const { errorCode, errorMessage } of responses) throwIfRefused(errorCode, `topic ${name}`, errorMessage)
    cluster.forget(name)
  })
}

export function setPartitionCount(cluster: Cluster, name: string, count: number): Promise<void> {
  return retrying({ deadlineMs }, async () => {
    const link = await cluster.linkToController()
    const { results } = await link.ask(CreatePartitions, {
      topics: [{ name, count, assignments: null }],
      timeoutMs: cluster.settings.requestTimeoutMs,
      validateOnly: false,
    })
    for (const { errorCode, errorMessage } of results) throwIfRefused(errorCode, `topic ${name}`, errorMessage)
    cluster.forget(name)
  })
}

export function deleteRecords(
  cluster: Cluster,
  topic: string,
  below: ReadonlyMap<number, Offset>,
): Promise<ReadonlyMap<number, Offset>> {
  return retrying({ deadlineMs, before: () => cluster.forget(topic) }, async () => {
    const starts = new Map<number, Offset>()
    for (const [leader, partitions] of await byLeader(cluster, topic, [...below.keys()])) {
      const link = await cluster.linkTo(leader)
      const wanted = partitions.map((partitionIndex) => ({ partitionIndex, offset: below.get(partitionIndex) ?? 0 }))
      const { topics } = await link.ask(DeleteRecords, {
        topics: [{ name: topic, partitions: wanted }],
        timeoutMs: cluster.settings.requestTimeoutMs,
      })
      for (const { partitionIndex, lowWatermark, errorCode } of topics.flatMap(({ partitions: each }) => each)) {
        throwIfRefused(errorCode, `records of ${topic}/${partitionIndex}`)
        starts.set(partitionIndex, lowWatermark)
      }
    }
    return starts
  })
}

/** Null: all topics. Never creates one. */
function metadata(cluster: Cluster, topic: string | null): Promise<ResponseOf<typeof Metadata>> {
  return retrying({ deadlineMs }, async () => {
    const link = await cluster.anyLink()
    const request = { topics: topic === null ? null : [{ name: topic }], allowAutoTopicCreation: false }
    const answer = await link.ask(Metadata, request)
    await Promise.all(answer.brokers.map(({ nodeId }) => cluster.refreshUnlessKnown(nodeId)))
    return answer
  })
}

function listingOf({ name, partitions, isInternal }: ResponseOf<typeof Metadata>['topics'][number]): TopicListing {
  const replicationFactor = partitions[0]?.replicaNodes.length ?? 0
  return { name: name ?? '', partitions: partitions.length, replicationFactor, isInternal }
}
