import { CreateTopics, DescribeConfigs } from '@keyfold/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningBroker } from '../running-broker.ts'
import { startBroker } from '../server/start-broker.ts'
import { WireClient } from '../testing/wire-client.ts'

let broker: RunningBroker
let client: WireClient

beforeAll(async () => {
  broker = await startBroker({ memory: true, config: { 'log.roll.ms': 1000 } })
  client = new WireClient(broker)
  const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [] }
  await client.call(CreateTopics, 7, { topics: [{ ...topic, configs: [{ name: 'retention.ms', value: '7' }] }] })
})

afterAll(async () => {
  client.close()
  await broker.close()
})

async function configsOf(configurationKeys: string[] | null) {
  const resources = [{ resourceType: 2, resourceName: 't', configurationKeys }]
  const { results } = await client.call(DescribeConfigs, 4, { resources, includeSynonyms: true })
  return results[0]?.configs ?? []
}

describe('statement 55: describing settings', () => {
  it('an empty list of keys means all of them, like none', async () => {
    const all = await configsOf(null)
    expect(all.length).toBeGreaterThan(20)
    expect(await configsOf([])).toEqual(all)
    expect((await configsOf(['retention.ms'])).map(({ name }) => name)).toEqual(['retention.ms'])
  })

  it.each([
    ['flush.messages', [['log.flush.interval.messages', 5]]],
    ['flush.ms', []],
    ['index.interval.bytes', [['log.index.interval.bytes', 5]]],
    ['cleanup.policy', [['log.cleanup.policy', 5]]],
    ['retention.ms', [['retention.ms', 1]]],
    ['segment.ms', [['log.roll.ms', 4]]],
    ['segment.jitter.ms', []],
  ])('%s has the synonyms that Apache Kafka shows', async (key, synonyms) => {
    const [config] = await configsOf([key])
    expect(config?.synonyms.map(({ name, source }) => [name, source])).toEqual(synonyms)
  })
})
