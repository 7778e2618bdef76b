import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningBroker } from '@keyfold/broker'
import {
  type Admin,
  ConfigResourceTypes,
  ResourcePatternTypes,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
} from 'kafkajs'
import { kafkaFor, memoryBroker } from './kafkajs-client.ts'

let broker: RunningBroker
let admin: Admin

beforeAll(async () => {
  broker = await memoryBroker({ 'num.partitions': 3 })
  admin = kafkaFor(broker.address).admin()
  await admin.connect()
})

afterAll(async () => {
  await admin.disconnect()
  await broker.close()
})

/** The protocol's name for what went wrong, also where kafkajs wraps it. */
async function errorOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'nothing'
  } catch (error) {
    const { type, errors } = error as { type?: string; errors?: { type: string }[] }
    return type ?? errors?.[0]?.type ?? String(error)
  }
}

describe('topics', () => {
  it('are created, listed, described, enlarged and deleted', async () => {
    expect(await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }] })).toBe(true)
    expect(await admin.createTopics({ topics: [{ topic: 'orders' }] })).toBe(false)
    expect(await admin.listTopics()).toContain('orders')
    await admin.createPartitions({ topicPartitions: [{ topic: 'orders', count: 5 }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: ['orders'] })
    expect(new Map(topics[0]?.partitions.map(({ partitionId, leader }) => [partitionId, leader]))).toEqual(
      new Map([0, 1, 2, 3, 4].map((partition) => [partition, broker.nodeId])),
    )
    await admin.deleteTopics({ topics: ['orders'] })
    expect(await admin.listTopics()).not.toContain('orders')
  })

  it('53: -1 means the defaults, and what cannot be is refused by name', async () => {
    await admin.createTopics({ topics: [{ topic: 'defaults' }] })
    expect((await admin.fetchTopicMetadata({ topics: ['defaults'] })).topics[0]?.partitions).toHaveLength(3)
    const create = (topic: object) => errorOf(admin.createTopics({ topics: [{ topic: 'bad', ...topic }] }))
    expect(await create({ replicationFactor: 3 })).toBe('INVALID_REPLICATION_FACTOR')
    expect(await create({ numPartitions: 0 })).toBe('INVALID_PARTITIONS')
    expect(await create({ topic: 'a b' })).toBe('INVALID_TOPIC_EXCEPTION')
    expect(await create({ configEntries: [{ name: 'nonsense', value: '1' }] })).toBe('INVALID_CONFIG')
    expect(await create({ replicaAssignment: [{ partition: 0, replicas: [99] }] })).toBe('INVALID_REPLICA_ASSIGNMENT')
    const fewer = admin.createPartitions({ topicPartitions: [{ topic: 'defaults', count: 2 }] })
    expect(await errorOf(fewer)).toBe('INVALID_PARTITIONS')
  })

  it('50: a producer’s metadata creates a topic on the spot, an administrator’s does not', async () => {
    expect(await errorOf(admin.fetchTopicMetadata({ topics: ['automatic'] }))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    const producer = kafkaFor(broker.address).producer()
    await producer.connect()
    await producer.send({ topic: 'automatic', messages: [{ value: 'first' }] })
    await producer.disconnect()
    expect((await admin.fetchTopicMetadata({ topics: ['automatic'] })).topics[0]?.partitions).toHaveLength(3)
  })
})

describe('settings', () => {
  it('55: are described with their source, altered, and back at the default when replaced', async () => {
    await admin.createTopics({ topics: [{ topic: 'tuned', configEntries: [{ name: 'retention.ms', value: '1000' }] }] })
    const describe = async () => {
      const resources = [
        { type: ConfigResourceTypes.TOPIC, name: 'tuned', configNames: ['retention.ms', 'cleanup.policy'] },
      ]
      const { resources: described } = await admin.describeConfigs({ resources, includeSynonyms: true })
      return described[0]?.configEntries.map((entry) => [entry.configName, entry.configValue, entry.configSource])
    }
    expect(await describe()).toEqual([
      ['cleanup.policy', 'delete', 5],
      ['retention.ms', '1000', 1],
    ])
    const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: 'tuned', configEntries }],
    })
    expect(await describe()).toEqual([
      ['cleanup.policy', 'compact', 1],
      ['retention.ms', '604800000', 5],
    ])
    const wrong = [{ name: 'retention.ms', value: 'soon' }]
    const altered = admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: 'tuned', configEntries: wrong }],
    })
    expect(await errorOf(altered)).toBe('INVALID_CONFIG')
  })

  it('of the broker are there too', async () => {
    const resources = [{ type: ConfigResourceTypes.BROKER, name: String(broker.nodeId) }]
    const { resources: described } = await admin.describeConfigs({ resources, includeSynonyms: false })
    const entry = described[0]?.configEntries.find(({ configName }) => configName === 'num.partitions')
    expect(entry).toMatchObject({ configValue: '3', configSource: 4 })
  })
})

describe('the cluster', () => {
  it('52: is this node', async () => {
    const cluster = await admin.describeCluster()
    expect(cluster).toEqual({
      brokers: [{ nodeId: broker.nodeId, host: broker.host, port: broker.port }],
      controller: broker.nodeId,
      clusterId: broker.clusterId,
    })
    expect(cluster.clusterId).toHaveLength(22)
  })

  it('moves no partitions and has no access rules', async () => {
    expect(await admin.listPartitionReassignments({})).toEqual({ topics: [] })
    const acl = {
      resourceType: AclResourceTypes.TOPIC,
      resourceName: 'x',
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: 'User:a',
      host: '*',
      operation: AclOperationTypes.ALL,
      permissionType: AclPermissionTypes.ALLOW,
    }
    expect(await errorOf(admin.createAcls({ acl: [acl] }))).toBe('SECURITY_DISABLED')
    expect(await errorOf(admin.describeAcls(acl))).toBe('SECURITY_DISABLED')
    expect(await errorOf(admin.deleteAcls({ filters: [acl] }))).toBe('SECURITY_DISABLED')
  })
})
