import { randomUUID } from 'node:crypto'
import { ConsumerGroupHeartbeat } from '@keyfold/protocol'
import { Kafka, logLevel } from 'kafkajs'
import { clientSettings } from '../client-options.ts'
import { Cluster } from '../cluster.ts'
import { groupCoordinator } from '../admin/group-requests.ts'

export interface GroupToJoin {
  readonly brokers: readonly string[]
  readonly groupId: string
  readonly topic: string
}

/** Joins a classic group with kafkajs's consumer and returns how to leave it. */
export async function joinClassicGroup({ brokers, groupId, topic }: GroupToJoin): Promise<() => Promise<void>> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'classic-member', logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ eachMessage: async () => undefined })
  return () => consumer.disconnect()
}

/** Joins a group of the new protocol by its heartbeat (KIP-848) and returns how to leave it. */
export async function joinModernGroup({ brokers, groupId, topic }: GroupToJoin): Promise<() => Promise<void>> {
  const cluster = new Cluster(clientSettings({ brokers, clientId: 'modern-member' }))
  await cluster.connect()
  const [link] = await groupCoordinator(cluster, groupId)
  const memberId = randomUUID()
  const beat = (memberEpoch: number, owned: { topicId: string; partitions: number[] }[]) =>
    link.ask(ConsumerGroupHeartbeat, {
      groupId,
      memberId,
      memberEpoch,
      rebalanceTimeoutMs: 60_000,
      subscribedTopicNames: [topic],
      topicPartitions: owned,
    })
  const joined = await beat(0, [])
  if (joined.errorCode !== 0) throw new Error(`heartbeat: ${joined.errorCode} ${joined.errorMessage}`)
  // Says that it has what it was given: the group is stable from here on.
  await beat(joined.memberEpoch, joined.assignment?.topicPartitions ?? [])
  return async () => {
    await beat(-1, [])
    await cluster.close()
  }
}
