import { DescribeConfigs, KafkaError, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { brokerConfigDefinition, brokerConfigs } from '../config/broker-configs.ts'
import { configSources } from '../config/broker-config.ts'
import { type ConfigDefinition, configTypeCodes } from '../config/config-definition.ts'
import { type TopicConfigKey, topicConfigDefinition, topicConfigs } from '../config/topic-configs.ts'
import { type ConfigLayer, topicConfigLayers } from '../topics/effective-config.ts'
import { findResource } from './config-resource.ts'
import { handler } from './handler.ts'

/**
 * DescribeConfigs (32), versions 1-4.
 * Behaviour: every setting of topics and of this node with its value, where that comes from, and on request all values
 * that are set for it (synonyms).
 * Versions: 3 adds types and documentation.
 * Not done: settings of groups, client metrics and broker loggers; nothing here is sensitive.
 */
export const describeConfigs = handler(DescribeConfigs, (request, broker) => ({
  results: request.resources.map((resource) => {
    const { resourceType, resourceName } = resource
    const found = findResource(broker, resource)
    if ('error' in found) {
      const { code } = found.error
      return { errorCode: code, errorMessage: found.message, resourceType, resourceName, configs: [] }
    }
    const settings = found.kind === 'topic' ? ofTopic(broker, found.topic.configs) : ofBroker(broker)
    const isWanted = ({ key }: Setting) => resource.configurationKeys?.includes(key) ?? true
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

function ofTopic({ config }: BrokerContext, configs: ReadonlyMap<string, string>): Setting[] {
  return Object.keys(topicConfigs).flatMap((key) => {
    const definition = topicConfigDefinition(key)
    const layers = topicConfigLayers(config, configs, key as TopicConfigKey)
    return definition === undefined ? [] : { key, definition, layers, isReadOnly: false }
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
    synonyms: request.includeSynonyms
      ? layers.map((layer) => ({ name: layer.key, value: layer.value, source: configSources[layer.source] }))
      : [],
    configType: configTypeCodes[definition.type],
    documentation: request.includeDocumentation ? definition.doc : null,
  }
}
