import { buildRecordBatch, CreateTopics, DescribeClientQuotas, KafkaError } from '@keyfold/protocol'
import {
  AlterClientQuotas,
  AlterReplicaLogDirs,
  AlterUserScramCredentials,
  DescribeConfigs,
  DescribeLogDirs,
  DescribeQuorum,
  DescribeUserScramCredentials,
  ElectLeaders,
  IncrementalAlterConfigs,
  ListConfigResources,
  Metadata,
  Produce,
  UpdateFeatures,
} from '@keyfold/protocol'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { WireClient } from '../testing/wire-client.ts'

let directory: string
let broker: RunningBroker
let client: WireClient

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keyfold-admin-'))
  await start()
  const topic = { name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  await client.call(CreateTopics, 7, { topics: [topic] })
})

afterAll(async () => {
  await stop()
  rmSync(directory, { recursive: true, force: true })
})

async function start(): Promise<void> {
  broker = await startBroker({ dataDirectory: directory })
  client = new WireClient(broker)
}

async function stop(): Promise<void> {
  client.close()
  await broker.close()
}

async function restart(): Promise<void> {
  await stop()
  await start()
}

function nameOf(code: number | undefined): string {
  return Object.values(KafkaError).find((error) => error.code === code)?.name ?? `${code}`
}

type Entity = [entityType: string, entityName: string | null][]

async function setQuota(entity: Entity, values: Record<string, number | null>, validateOnly = false): Promise<string> {
  const entry = {
    entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
    ops: Object.entries(values).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
  }
  const answer = await client.call(AlterClientQuotas, 1, { entries: [entry], validateOnly })
  return nameOf(answer.entries[0]?.errorCode)
}

async function quotas(components: [string, number, string | null][], strict = false) {
  const wanted = components.map(([entityType, matchType, match]) => ({ entityType, matchType, match }))
  const answer = await client.call(DescribeClientQuotas, 1, { components: wanted, strict })
  if (answer.entries === null) return nameOf(answer.errorCode)
  return answer.entries.map(({ entity, values }) => [
    entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`).join(),
    values.map(({ key, value }) => `${key}=${value}`).join(),
  ])
}

describe('client quotas', () => {
  it('are set, found by what they are for, removed, and there after a restart', async () => {
    const rate = { producer_byte_rate: 1000 }
    expect(await setQuota([['user', 'ann']], { ...rate, request_percentage: 12.5 })).toBe('NONE')
    expect(
      await setQuota(
        [
          ['user', 'ann'],
          ['client-id', 'app'],
        ],
        rate,
      ),
    ).toBe('NONE')
    expect(await setQuota([['user', null]], rate)).toBe('NONE')
    expect(await setQuota([['ip', '10.0.0.1']], { connection_creation_rate: 5 })).toBe('NONE')
    expect(await setQuota([['user', 'checked']], rate, true)).toBe('NONE')
    await restart()
    const ofAnn = ['user=ann', 'producer_byte_rate=1000,request_percentage=12.5']
    const ofBoth = ['client-id=app,user=ann', 'producer_byte_rate=1000']
    const ofAll = ['user=null', 'producer_byte_rate=1000']
    expect(await quotas([['user', 0, 'ann']])).toEqual([ofAnn, ofBoth])
    expect(await quotas([['user', 0, 'ann']], true)).toEqual([ofAnn])
    expect(await quotas([['user', 1, null]])).toEqual([ofAll])
    expect(await quotas([['user', 2, null]], true)).toEqual([ofAnn, ofAll])
    expect(await quotas([])).toHaveLength(4)
    expect(await setQuota([['user', 'ann']], { producer_byte_rate: null, request_percentage: null })).toBe('NONE')
    expect(await quotas([['user', 0, 'ann']], true)).toEqual([])
  })

  it('are refused where they make no sense', async () => {
    const rate = { producer_byte_rate: 1000 }
    const refused = [
      await setQuota([], rate),
      await setQuota([['planet', 'x']], rate),
      await setQuota(
        [
          ['user', 'a'],
          ['ip', '10.0.0.1'],
        ],
        rate,
      ),
      await setQuota([['user', 'a']], { connection_creation_rate: 1 }),
      await setQuota([['ip', '10.0.0.1']], rate),
      await setQuota([['user', 'a']], { producer_byte_rate: 0 }),
      await setQuota([['user', 'a']], { producer_byte_rate: 1.5 }),
      await setQuota([['user', 'a']], { nonsense: 1 }),
    ]
    expect(new Set(refused)).toEqual(new Set(['INVALID_REQUEST']))
    expect(await quotas([['planet', 2, null]])).toBe('UNSUPPORTED_VERSION')
    expect(
      await quotas([
        ['user', 2, null],
        ['user', 2, null],
      ]),
    ).toBe('INVALID_REQUEST')
    expect(await quotas([['user', 0, null]])).toBe('INVALID_REQUEST')
  })
})

describe('SCRAM credentials', () => {
  const upsertion = { mechanism: 1, iterations: 4096, salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(32, 7) }
  const alter = async (request: { deletions?: object[]; upsertions?: object[] }) => {
    const full = { deletions: [], upsertions: [], ...request } as Parameters<
      typeof client.call<typeof AlterUserScramCredentials>
    >[2]
    const { results } = await client.call(AlterUserScramCredentials, 0, full)
    return results.map(({ user, errorCode }) => `${user} ${nameOf(errorCode)}`)
  }
  const describeUsers = async (names: string[] | null) => {
    const users = names?.map((name) => ({ name })) ?? null
    const { results } = await client.call(DescribeUserScramCredentials, 0, { users })
    return results.map(({ user, errorCode, credentialInfos }) => {
      const infos = credentialInfos.map(({ mechanism, iterations }) => `${mechanism}:${iterations}`).join()
      return `${user} ${errorCode === 0 ? infos : nameOf(errorCode)}`
    })
  }

  it('are set for each mechanism, described without secrets, deleted, and there after a restart', async () => {
    const upsertions = [
      { name: 'ann', ...upsertion },
      { name: 'ann', ...upsertion, mechanism: 2, iterations: 8192 },
      { name: 'bob', ...upsertion },
    ]
    expect(await alter({ upsertions })).toEqual(['ann NONE', 'bob NONE'])
    await restart()
    expect(await describeUsers(null)).toEqual(['ann 1:4096,2:8192', 'bob 1:4096'])
    expect(await describeUsers(['bob', 'eve'])).toEqual(['bob 1:4096', 'eve RESOURCE_NOT_FOUND'])
    expect(await describeUsers(['bob', 'bob'])).toEqual(['bob DUPLICATE_RESOURCE'])
    const deletions = [
      { name: 'bob', mechanism: 1 },
      { name: 'eve', mechanism: 1 },
    ]
    expect(await alter({ deletions })).toEqual(['bob NONE', 'eve RESOURCE_NOT_FOUND'])
    expect(await describeUsers(null)).toEqual(['ann 1:4096,2:8192'])
  })

  it('are refused user by user', async () => {
    const upsertions = [
      { name: '', ...upsertion },
      { name: 'weak', ...upsertion, iterations: 4095 },
      { name: 'slow', ...upsertion, iterations: 16_385 },
      { name: 'odd', ...upsertion, mechanism: 3 },
      { name: 'twice', ...upsertion },
      { name: 'twice', ...upsertion },
      { name: 'good', ...upsertion },
    ]
    expect(await alter({ upsertions })).toEqual([
      ' UNACCEPTABLE_CREDENTIAL',
      'weak UNACCEPTABLE_CREDENTIAL',
      'slow UNACCEPTABLE_CREDENTIAL',
      'odd UNSUPPORTED_SASL_MECHANISM',
      'twice DUPLICATE_RESOURCE',
      'good NONE',
    ])
  })
})

describe('the data directory', () => {
  it('is described with the sizes of its logs; nothing can be moved anywhere else', async () => {
    const records = buildRecordBatch({ records: [{ key: null, value: Buffer.from('v') }], timestamp: Date.now() })
    const topicData = [{ name: 't', partitionData: [{ index: 1, records }] }]
    await client.call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    const described = await client.call(DescribeLogDirs, 4, { topics: [{ topic: 't', partitions: [1] }] })
    const [found] = described.results
    expect(found?.logDir).toBe(directory)
    expect(found?.topics).toMatchObject([
      { name: 't', partitions: [{ partitionIndex: 1, partitionSize: records.length }] },
    ])
    const all = await client.call(DescribeLogDirs, 1, { topics: null })
    expect(all.results[0]?.topics[0]?.partitions).toHaveLength(2)
    const move = async (path: string, partition: number) => {
      const dirs = [{ path, topics: [{ name: 't', partitions: [partition] }] }]
      const answer = await client.call(AlterReplicaLogDirs, 2, { dirs })
      return nameOf(answer.results[0]?.partitions[0]?.errorCode)
    }
    expect(await move(directory, 0)).toBe('NONE')
    expect(await move(directory, 9)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await move('/elsewhere', 0)).toBe('LOG_DIR_NOT_FOUND')
  })
})

describe('what only a cluster has', () => {
  it('elections are never needed', async () => {
    const topicPartitions = [{ topic: 't', partitions: [0, 5] }]
    const answer = await client.call(ElectLeaders, 2, { electionType: 0, topicPartitions, timeoutMs: 1000 })
    const results = answer.replicaElectionResults[0]?.partitionResult.map(({ errorCode }) => nameOf(errorCode))
    expect(results).toEqual(['ELECTION_NOT_NEEDED', 'UNKNOWN_TOPIC_OR_PARTITION'])
    const all = await client.call(ElectLeaders, 2, { electionType: 0, topicPartitions: null })
    expect(all).toMatchObject({ errorCode: 0, replicaElectionResults: [] })
    expect(nameOf((await client.call(ElectLeaders, 2, { electionType: 7, topicPartitions: null })).errorCode)).toBe(
      'INVALID_REQUEST',
    )
  })

  it('the quorum has one voter', async () => {
    const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }, { partitionIndex: 1 }] }]
    const answer = await client.call(DescribeQuorum, 2, { topics })
    const [first, second] = answer.topics[0]?.partitions ?? []
    expect(first).toMatchObject({ errorCode: 0, leaderId: 1, currentVoters: [{ replicaId: 1 }], observers: [] })
    expect(first?.highWatermark).toBeGreaterThan(0)
    expect(nameOf(second?.errorCode)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('features stay at the levels of this release', async () => {
    const update = async (feature: string, maxVersionLevel: number) => {
      const answer = await client.call(UpdateFeatures, 1, { featureUpdates: [{ feature, maxVersionLevel }] })
      const whole = await client.call(UpdateFeatures, 2, { featureUpdates: [{ feature, maxVersionLevel }] })
      expect(answer.results[0]?.errorCode).toBe(whole.errorCode)
      return nameOf(whole.errorCode)
    }
    expect(await update('group.version', 1)).toBe('NONE')
    expect(await update('group.version', 0)).toBe('INVALID_UPDATE_VERSION')
    expect(await update('nonsense', 1)).toBe('INVALID_UPDATE_VERSION')
  })
})

describe('what there are settings of', () => {
  it('is listed by type', async () => {
    const list = async (resourceTypes: number[], version = 1) => {
      const answer = await client.call(ListConfigResources, version, {
        resourceTypes: version === 0 ? [] : resourceTypes,
      })
      if (answer.errorCode !== 0) return nameOf(answer.errorCode)
      return answer.configResources.map(({ resourceName, resourceType }) => `${resourceType} ${resourceName}`)
    }
    expect(await list([2])).toEqual(['2 t'])
    expect(await list([2, 4])).toEqual(['2 t', '4 1'])
    expect(await list([])).toEqual(['2 t', '4 1', '8 1'])
    expect(await list([99])).toBe('UNSUPPORTED_VERSION')
    expect(await list([], 0)).toEqual([])
  })
})

describe('settings of the broker', () => {
  const alter = async (resourceName: string, configOperation: number, value: string | null) => {
    const configs = [{ name: 'log.retention.ms', configOperation, value }]
    const resources = [{ resourceType: 4, resourceName, configs }]
    const answer = await client.call(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
    return nameOf(answer.responses[0]?.errorCode)
  }
  const layers = async (resourceType: number, resourceName: string, key: string) => {
    const resources = [{ resourceType, resourceName, configurationKeys: [key] }]
    const answer = await client.call(DescribeConfigs, 4, { resources, includeSynonyms: true })
    return answer.results[0]?.configs[0]?.synonyms.map(({ value, source }) => `${source}:${value}`)
  }

  it('statement 55: of this node come before those of every node, both before the default, in topics too', async () => {
    expect(await alter('1', 0, '5000')).toBe('NONE')
    expect(await alter('', 0, '6000')).toBe('NONE')
    await restart()
    const all = ['2:5000', '3:6000', '5:604800000']
    expect(await layers(4, '1', 'log.retention.ms')).toEqual(all)
    // The default of retention.ms has no name of its own in Kafka: it is no synonym.
    expect(await layers(2, 't', 'retention.ms')).toEqual(all.slice(0, 2))
    expect(await alter('1', 1, null)).toBe('NONE')
    expect(await layers(4, '1', 'log.retention.ms')).toEqual(all.slice(1))
    expect(await layers(4, '', 'log.retention.ms')).toEqual(['3:6000'])
    expect(await alter('', 1, null)).toBe('NONE')
    expect(await layers(2, 't', 'retention.ms')).toEqual([])
    expect(await layers(4, '', 'log.retention.ms')).toBeUndefined()
  })
})

describe('the cluster', () => {
  it('statement 52: keeps its id, and its controller is a node', async () => {
    const before = await client.call(Metadata, 10, { topics: [] })
    await restart()
    const after = await client.call(Metadata, 10, { topics: null })
    expect(before.clusterId).toMatch(/^[\w-]{22}$/)
    expect(after.clusterId).toBe(before.clusterId)
    expect(after.brokers.map(({ nodeId }) => nodeId)).toContain(after.controllerId)
    expect(after.clusterAuthorizedOperations).toBe(-2_147_483_648)
    expect(after.topics[0]?.topicAuthorizedOperations).toBe(-2_147_483_648)
  })
})
