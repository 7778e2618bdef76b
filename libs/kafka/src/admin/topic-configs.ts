import { DescribeConfigs, IncrementalAlterConfigs } from '@keyfold/protocol'
import type { Cluster } from '../cluster.ts'
import type { ConfigChanges, ConfigEntry, ConfigSource } from '../kafka-admin.ts'
import { retrying } from '../retry.ts'
import { throwIfRefused } from './refusal.ts'

const deadlineMs = 30_000
const topicResource = 2
/** IncrementalAlterConfigs' operations. */
const SET = 0
const DELETE = 1

/** DescribeConfigs' numbers for where a value comes from (KIP-226). */
const sources: Readonly<Record<number, ConfigSource>> = {
  1: 'topic',
  2: 'broker',
  3: 'cluster',
  4: 'static',
  5: 'default',
}

export function topicConfigs(cluster: Cluster, topic: string): Promise<readonly ConfigEntry[]> {
  return retrying({ deadlineMs }, async () => {
    const link = await cluster.anyLink()
    const { results } = await link.ask(DescribeConfigs, {
      resources: [{ resourceType: topicResource, resourceName: topic, configurationKeys: null }],
    })
    for (const { errorCode, errorMessage } of results) throwIfRefused(errorCode, `topic ${topic}`, errorMessage)
    return results
      .flatMap(({ configs }) => configs)
      .map(({ name, value, readOnly, configSource, isSensitive }) => ({
        name,
        value: isSensitive ? null : value,
        source: sources[configSource] ?? 'other',
        isReadOnly: readOnly,
      }))
      .sort((left, right) => (left.name < right.name ? -1 : 1))
  })
}

export function alterTopicConfigs(
  cluster: Cluster,
  topic: string,
  { changes, validateOnly = false }: ConfigChanges,
): Promise<void> {
  return retrying({ deadlineMs }, async () => {
    const link = await cluster.linkToController()
    const configs = Object.entries(changes).map(([name, value]) => ({
      name,
      configOperation: value === null ? DELETE : SET,
      value,
    }))
    const { responses } = await link.ask(IncrementalAlterConfigs, {
      resources: [{ resourceType: topicResource, resourceName: topic, configs }],
      validateOnly,
    })
    for (const { errorCode, errorMessage } of responses) throwIfRefused(errorCode, `topic ${topic}`, errorMessage)
  })
}
