import { DescribeConfigs, KafkaError, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { brokerConfigDefinition, brokerConfigs } from '../config/broker-configs.ts'
import { configSources } from '../config/broker-config.ts'
import { type ConfigDefinition, configTypeCodes } from '../config/config-definition.ts'
import { groupConfigs, type GroupConfigKey } from '../config/group-configs.ts'
import { type TopicConfigKey, topicConfigDefinition, topicConfigs } from '../config/topic-configs.ts'
import { type ConfigLayer, topicConfigLayers } from '../topics/effective-config.ts'
import { type ConfigResource, findResource } from './config-resource.ts'
import { handler } from './handler.ts'

/**
 * DescribeConfigs (32), versions 1-4.
 * Behaviour: every setting of topics, groups and this node with its value, where that comes from, and on request all values
 * that are set for it (synonyms).
 * Versions: 3 adds types and documentation.
 * Not done: settings of client metrics and broker loggers; nothing here is sensitive.
 */
export const describeConfigs = handler(DescribeConfigs, (request, broker) => ({
  results: request.resources.map((resource) => {
    const { resourceType, resourceName } = resource
    const found = findResource(broker, resource)
    if ('error' in found) {
      const { code } = found.error
      return { errorCode: code, errorMessage: found.message, resourceType, resourceName, configs: [] }
    }
    const settings = settingsOf(broker, found)
    // No keys are all keys, like null.
    const keys = resource.configurationKeys ?? []
    const isWanted = ({ key }: Setting) => keys.length === 0 || keys.includes(key)
    const configs = settings.filter(isWanted).map((setting) => describe(setting, request))
    return { errorCode: KafkaError.NONE.code, errorMessage: null, resourceType, resourceName, configs }
  }),
}))

interface Setting {
  key: string
  definition: ConfigDefinition
  /** The value in force first. */
  layers: readonly [ConfigLayer, ...ConfigLayer[]]
  isReadOnly: boolean
}

function settingsOf(broker: BrokerContext, resource: ConfigResource): Setting[] {
  if (resource.kind === 'topic') return ofTopic(broker, resource.topic.configs)
  if (resource.kind === 'group') return ofGroup(broker, resource.groupId)
  return resource.isForAll ? ofEveryBroker(broker) : ofBroker(broker)
}

function ofGroup({ groupSettings }: BrokerContext, groupId: string): Setting[] {
  return Object.entries(groupConfigs).map(([key, definition]) => {
    const layers = groupSettings.layers(groupId, key as GroupConfigKey)
    return { key, definition, layers, isReadOnly: false }
  })
}

function ofTopic({ config }: BrokerContext, configs: ReadonlyMap<string, string>): Setting[] {
  return Object.keys(topicConfigs).flatMap((key) => {
    const definition = topicConfigDefinition(key)
    const layers = topicConfigLayers(config, configs, key as TopicConfigKey)
    return definition === undefined ? [] : { key, definition, layers, isReadOnly: false }
  })
}

/** Only what was altered for every node: what else holds is a matter of each node. */
function ofEveryBroker({ config }: BrokerContext): Setting[] {
  return Array.from(config.dynamicDefaults).flatMap(([key, value]) => {
    const definition = brokerConfigDefinition(key)
    if (definition === undefined) return []
    return { key, definition, layers: [{ key, value, source: 'dynamicDefaultBroker' }], isReadOnly: false }
  })
}

function ofBroker({ config }: BrokerContext): Setting[] {
  return Object.keys(brokerConfigs).flatMap((key) => {
    const definition = brokerConfigDefinition(key)
    const [first, ...rest] = config.layers(key).map((layer) => ({ key, ...layer }))
    if (definition === undefined || first === undefined) return []
    return { key, definition, layers: [first, ...rest], isReadOnly: definition.dynamic !== true }
  })
}

function describe({ key, definition, layers, isReadOnly }: Setting, request: RequestOf<typeof DescribeConfigs>) {
  const [{ value, source }] = layers
  return {
    name: key,
    value,
    readOnly: isReadOnly,
    configSource: configSources[source],
    isSensitive: false,
    synonyms: request.includeSynonyms ? layers.filter((layer) => isShown(key, layer)).map(toSynonym) : [],
    configType: configTypeCodes[definition.type],
    documentation: request.includeDocumentation ? definition.doc : null,
  }
}

function toSynonym({ key, value, source }: ConfigLayer) {
  return { name: key, value, source: configSources[source] }
}

/** Some defaults have no name of their own in Kafka, so that they do not count as synonyms. */
function isShown(key: string, { source }: ConfigLayer): boolean {
  return source !== 'default' || topicConfigDefinition(key)?.hasUnnamedDefault !== true
}
