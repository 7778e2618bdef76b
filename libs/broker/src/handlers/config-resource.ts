import { KafkaError } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { ChangedConfigs, PresentConfigs, ResourceKind } from '../topics/config-changes.ts'
import { resourceTypes } from '../topics/config-changes.ts'
import type { Topic } from '../topics/topic.ts'
import type { TopicFailure } from '../topics/new-topic.ts'

/** What a setting belongs to: a topic, or this node. */
export type ConfigResource = { kind: 'topic'; topic: Topic } | { kind: 'broker' }

export interface ResourceReference {
  resourceType: number
  resourceName: string
}

export interface AlterResult {
  response: ResourceReference & { errorCode: number; errorMessage: string | null }
  lsn: number
}

/** Finds what a request names. For the broker an empty name means "every node", which is this one. */
export function findResource(
  { catalog, node }: BrokerContext,
  { resourceType, resourceName }: ResourceReference,
): ConfigResource | TopicFailure {
  if (resourceType === resourceTypes.topic) {
    const topic = catalog.get(resourceName)
    if (topic !== undefined) return { kind: 'topic', topic }
    return { error: KafkaError.UNKNOWN_TOPIC_OR_PARTITION, message: `The topic '${resourceName}' does not exist.` }
  }
  if (resourceType === resourceTypes.broker) {
    if (resourceName === '' || resourceName === String(node.nodeId)) return { kind: 'broker' }
    const message = `Unexpected broker id, expected ${node.nodeId} or empty string, but received ${resourceName}`
    return { error: KafkaError.INVALID_REQUEST, message }
  }
  return { error: KafkaError.INVALID_REQUEST, message: `Resource type ${resourceType} is not served` }
}

/** What the resource has now. */
function presentConfigs({ config }: BrokerContext, resource: ConfigResource): PresentConfigs {
  if (resource.kind === 'topic') return { present: resource.topic.configs, inForce: () => undefined }
  return { present: config.dynamic, inForce: (key) => config.layers(key)[0]?.value }
}

/** Alters one resource of a request: finds it, lets `change` decide, and stores what comes out of it. */
export function alterResource(
  broker: BrokerContext,
  request: ResourceReference & { validateOnly: boolean },
  change: (kind: ResourceKind, present: PresentConfigs) => ChangedConfigs,
): AlterResult {
  const { resourceType, resourceName } = request
  const answer = (error: KafkaError, errorMessage: string | null, lsn = 0): AlterResult => ({
    response: { errorCode: error.code, errorMessage, resourceType, resourceName },
    lsn,
  })
  if (!broker.storage.acceptsWrites) return answer(KafkaError.KAFKA_STORAGE_ERROR, KafkaError.KAFKA_STORAGE_ERROR.text)
  const resource = findResource(broker, request)
  if ('error' in resource) return answer(resource.error, resource.message)
  const changed = change(resource.kind, presentConfigs(broker, resource))
  if ('error' in changed) return answer(changed.error, changed.message)
  if (request.validateOnly) return answer(KafkaError.NONE, null)
  const { configs } = changed
  const lsn =
    resource.kind === 'topic'
      ? broker.catalog.setConfigs(resource.topic, configs)
      : broker.catalog.setBrokerConfigs(configs)
  return answer(KafkaError.NONE, null, lsn)
}
