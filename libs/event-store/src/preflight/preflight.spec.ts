import type { NodeCapabilities, TopicDescription } from '@keyfold/kafka'
import { connectKafka } from '@keyfold/kafka'
import { InMemoryKafka, startTestBroker } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import { counterOn } from '../testing/counter.ts'
import { openCounters, topic } from '../testing/open-counters.ts'
import { prepareTopics } from '../event-topics.ts'
import { inspectNodes } from './inspect-nodes.ts'
import { passPreflight } from './pass-preflight.ts'
import { inspectTopic } from './preflight-findings.ts'

const stateTopic = `${topic}.state`

async function withTopics(partitions: number, configs: Readonly<Record<string, string>> = {}): Promise<InMemoryKafka> {
  const kafka = new InMemoryKafka()
  await kafka.ensureTopics([{ name: topic, partitions, configs }])
  return kafka
}

/** A cluster on which somebody has added partitions. */
class Grown extends InMemoryKafka {
  override async describeTopics(names: readonly string[], keys?: readonly string[]) {
    return (await super.describeTopics(names, keys)).map((each) => ({ ...each, partitions: 3 }))
  }
}

/** A cluster whose nodes say that they can do this. */
class Told extends InMemoryKafka {
  told: readonly NodeCapabilities[] = []

  async capabilities() {
    return this.told
  }
}

/** A node of Apache Kafka 4, with what is said. */
function node(nodeId: number, said: Partial<NodeCapabilities> & { readonly without?: readonly number[] } = {}) {
  const { without = [], ...rest } = said
  const versions = [0, 24, 27, 61, 65].filter((key) => !without.includes(key)).map((key) => [key, 5] as const)
  const features = new Map([['transaction.version', { supported: 2, finalized: 2 }]])
  return { nodeId, address: `node-${nodeId}:9092`, apis: new Map(versions), features, ...rest }
}

describe('the preflight', () => {
  it('refuses to start with topics that would lose events, and says how to mend each', async () => {
    const kafka = await withTopics(1, { 'cleanup.policy': 'compact', 'retention.ms': '1000' })
    const refused = openCounters({ kafka, preflight: 'refuse' })
    await expect(refused).rejects.toMatchObject({
      code: 'PREFLIGHT_REFUSED',
      message: expect.stringContaining('--entity-name test.counter --add-config retention.ms=-1'),
      details: {
        findings: [
          { topic, setting: 'cleanup.policy', value: 'compact', severity: 'danger' },
          { topic, setting: 'retention.ms', value: '1000', severity: 'danger' },
        ],
      },
    })
  })

  it('warns instead when it is told to, and says nothing when it is off', async () => {
    const kafka = await withTopics(1, { 'retention.ms': '1000' })
    const warned = await openCounters({ kafka, preflight: 'warn' })
    expect(warned.logged.filter((line) => line.startsWith('warn'))).toEqual([
      expect.stringMatching(/topic test\.counter has retention\.ms=1000: .* Fix: .*retention\.ms=-1$/),
    ])
    const silent = await openCounters({ kafka, preflight: 'off' })
    expect(silent.logged.filter((line) => line.startsWith('warn'))).toEqual([])
    await Promise.all([warned.store.close(), silent.store.close()])
  })

  it('writes the number of partitions down at the first start only, and refuses a topic that has grown', async () => {
    const kafka = await withTopics(2)
    const first = await openCounters({ kafka, preflight: 'refuse' })
    await first.store.close()
    const after = await kafka.endOffsets(stateTopic, 'committed')
    await passPreflight({ kafka, aggregates: [counterOn(topic)], mode: 'refuse', log: () => undefined })
    expect(await kafka.endOffsets(stateTopic, 'committed')).toEqual(after)

    const grown = new Grown(kafka.log)
    const refused = passPreflight({
      kafka: grown,
      aggregates: [counterOn(topic)],
      mode: 'refuse',
      log: () => undefined,
    })
    await expect(refused).rejects.toMatchObject({
      code: 'PREFLIGHT_REFUSED',
      message: expect.stringContaining('has partitions=3: it had 2 at first'),
    })
  })

  it('finds nothing wrong with what it makes itself on the bundled broker', async () => {
    const broker = await startTestBroker()
    const kafka = await connectKafka({ brokers: [broker.address], clientId: 'test' })
    const aggregates = [counterOn(topic)]
    const warnings: string[] = []
    const log = (level: string, message: string) => void (level === 'warn' && warnings.push(message))
    await prepareTopics(kafka, aggregates, 3, log)
    await passPreflight({ kafka, aggregates, mode: 'refuse', log })
    await passPreflight({ kafka, aggregates, mode: 'refuse', log })
    expect(warnings).toEqual([])
    await kafka.close()
    await broker.close()
  })

  it('refuses a cluster with a node that the client cannot use, and names it', async () => {
    const kafka = new Told()
    const incompatible = 'node-2:9092 cannot be used: it needs Fetch 11-11, but has 0-7'
    kafka.told = [node(1), node(2, { incompatible, apis: new Map(), features: new Map() })]
    await expect(openCounters({ kafka, preflight: 'refuse' })).rejects.toMatchObject({
      code: 'PREFLIGHT_REFUSED',
      message: expect.stringMatching(/^node node-2:9092 has APIs=.*needs Fetch 11-11.*Apache Kafka 2\.3/),
    })
    const warned = await openCounters({ kafka, preflight: 'warn' })
    expect(warned.logged.filter((line) => line.startsWith('warn'))).toEqual([expect.stringContaining('needs Fetch')])
    await warned.store.close()
  })

  it.each<[string, readonly NodeCapabilities[], readonly object[]]>([
    ['nodes of today', [node(1), node(2)], []],
    [
      'an old and a new generation of transactions',
      [node(1, { features: new Map([['transaction.version', { supported: 2, finalized: 1 }]]) })],
      [{ value: '1', severity: 'advice', fix: 'kafka-features upgrade --feature transaction.version=2' }],
    ],
    [
      'nodes that do not know the new one, together',
      [node(1, { features: new Map() }), node(2, { features: new Map() })],
      [{ nodes: ['node-1:9092', 'node-2:9092'], value: '0', fix: expect.stringContaining('4.0 or newer') }],
    ],
    [
      'nodes in which nothing can be described',
      [node(1), node(2, { without: [65] })],
      [{ nodes: ['node-2:9092'], severity: 'advice', fix: expect.stringContaining('3.0 or newer') }],
    ],
    [
      'nodes that verify nothing',
      [node(1, { without: [24] })],
      [{ setting: 'verification of transactional writes', fix: expect.stringContaining('3.6 or newer') }],
    ],
  ])('judges %s', (_, nodes, expected) => {
    const found = inspectNodes(nodes)
    expect(found).toHaveLength(expected.length)
    expect(found).toMatchObject(expected)
  })

  it.each<[string, number, Partial<TopicDescription>, readonly object[]]>([
    [
      'one replica on three nodes',
      3,
      { replicationFactor: 1 },
      [{ setting: 'replication factor', severity: 'advice' }],
    ],
    ['three replicas of which one suffices', 3, { replicationFactor: 3 }, [{ setting: 'min.insync.replicas' }]],
    [
      'more in sync than there are',
      3,
      { configs: { 'min.insync.replicas': '3' }, replicationFactor: 2 },
      [{ severity: 'danger' }],
    ],
    ['enough of both', 3, { configs: { 'min.insync.replicas': '2' }, replicationFactor: 3 }, []],
    ['one replica on one node', 1, { replicationFactor: 1 }, []],
    [
      'elections of replicas that lag',
      1,
      { configs: { 'unclean.leader.election.enable': 'true' } },
      [{ severity: 'danger' }],
    ],
  ])('judges %s', (_, nodes, found, expected) => {
    const described = { name: topic, partitions: 1, configs: {}, ...found }
    expect(inspectTopic({ topic: described, kind: 'events', nodes })).toMatchObject(expected)
  })
})
