import { BackOff, delay } from './back-off.ts'
import { brokerError, brokerErrorName } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import { KafkaClientError } from './errors.ts'
import type { TopicDescription, TopicSpecification } from './kafka-client.ts'
import { retrying } from './retry.ts'
import { apis } from './wire-apis.ts'

const topicResource = 2
const deadlineMs = 30_000

/**
 * Creates the topics that are missing and waits until all of them have leaders; says which were created.
 * Errors: `TOPIC_REFUSED`, `KAFKA_TIMEOUT`, `KAFKA_UNREACHABLE`.
 */
export async function ensureTopics(
  cluster: Cluster,
  topics: readonly TopicSpecification[],
): Promise<readonly string[]> {
  const names = topics.map(({ name }) => name)
  const existing = new Set(await retrying({ deadlineMs }, () => cluster.refresh(names)))
  const missing = topics.filter(({ name }) => !existing.has(name))
  const created = missing.length === 0 ? [] : await retrying({ deadlineMs }, () => createTopics(cluster, missing))
  await waitForLeaders(cluster, names)
  return created
}

/** Partition counts, and the values of the settings asked for; topics that do not exist are left out. */
export async function describeTopics(
  cluster: Cluster,
  names: readonly string[],
  configKeys: readonly string[],
): Promise<readonly TopicDescription[]> {
  const existing = await retrying({ deadlineMs }, () => cluster.refresh(names))
  const configs = configKeys.length === 0 ? new Map() : await describeConfigs(cluster, existing, configKeys)
  return Promise.all(
    existing.map(async (name) => {
      const { partitions, replicationFactor } = await retrying({ deadlineMs }, () => cluster.layoutOf(name))
      return { name, partitions, replicationFactor, configs: configs.get(name) ?? {} }
    }),
  )
}

async function createTopics(cluster: Cluster, topics: readonly TopicSpecification[]): Promise<readonly string[]> {
  const link = await cluster.linkToController()
  const { topicErrors } = await link.call(apis.createTopics, {
    topics: topics.map(({ name, partitions, replicationFactor = -1, configs = {} }) => ({
      topic: name,
      numPartitions: partitions,
      replicationFactor,
      configEntries: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
    validateOnly: false,
    timeout: cluster.settings.requestTimeoutMs,
  })
  const created: string[] = []
  for (const { topic, errorCode, errorMessage } of topicErrors) {
    const errorName = brokerErrorName(errorCode)
    if (errorCode === 0) created.push(topic)
    else if (errorName === 'NOT_CONTROLLER') {
      await cluster.refresh([])
      throw brokerError(errorName, `creating topic ${topic}`)
    } else if (errorName !== 'TOPIC_ALREADY_EXISTS') throw refusal(topic, errorName, errorMessage)
  }
  return created
}

function refusal(topic: string, errorName: string, message: string | null | undefined): KafkaClientError {
  const error = brokerError(errorName, `creating topic ${topic}`)
  if (error.retriable) return error
  return new KafkaClientError(
    'TOPIC_REFUSED',
    `topic ${topic} was not created: ${errorName}, ${message ?? 'no reason given'}`,
    {
      details: { topic, error: errorName },
    },
  )
}

async function waitForLeaders(cluster: Cluster, names: readonly string[]): Promise<void> {
  const backOff = new BackOff(10, 250)
  const deadline = Date.now() + deadlineMs
  for (;;) {
    const leaderless: string[] = []
    await retrying({ deadlineMs }, () => cluster.refresh(names))
    for (const name of names) {
      const layout = await cluster.layoutOf(name).catch(() => undefined)
      if (layout === undefined || layout.leaders.size < layout.partitions) leaderless.push(name)
    }
    if (leaderless.length === 0) return
    if (Date.now() > deadline)
      throw new KafkaClientError(
        'KAFKA_TIMEOUT',
        `topics without leaders after ${deadlineMs} ms: ${leaderless.join(', ')}`,
      )
    await delay(backOff.next())
  }
}

async function describeConfigs(
  cluster: Cluster,
  names: readonly string[],
  configNames: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  if (names.length === 0) return new Map()
  return retrying({ deadlineMs }, async () => {
    const link = await cluster.anyLink()
    const { resources } = await link.call(apis.describeConfigs, {
      resources: names.map((name) => ({ type: topicResource, name, configNames })),
      includeSynonyms: false,
    })
    return new Map(
      resources.map(({ resourceName, errorCode, configEntries }) => {
        if (errorCode !== 0) throw brokerError(brokerErrorName(errorCode), `settings of topic ${resourceName}`)
        const set = configEntries.filter(({ configValue }) => configValue !== null)
        return [resourceName, Object.fromEntries(set.map((entry) => [entry.configName, entry.configValue ?? '']))]
      }),
    )
  })
}
