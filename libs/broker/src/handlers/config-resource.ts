import { KafkaError } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { groupConfigsProblem } from '../config/group-configs.ts'
import type { ChangedConfigs, PresentConfigs, ResourceKind } from '../topics/config-changes.ts'
import { resourceTypes } from '../topics/config-changes.ts'
import type { Topic } from '../topics/topic.ts'
import type { TopicFailure } from '../topics/new-topic.ts'
import { missingTopic } from './topic-of.ts'

/** What a setting belongs to: a topic, this node, or a group. */
export type ConfigResource =
  | { kind: 'topic'; topic: Topic }
  | { kind: 'broker'; isForAll: boolean }
  | { kind: 'group'; groupId: string }

export interface ResourceReference {
  resourceType: number
  resourceName: string
}

export interface AlterResult {
  response: ResourceReference & { errorCode: number; errorMessage: string | null }
  lsn: number
}

/** Finds what a request names. For the broker an empty name means every node. */
export function findResource(
  { catalog, node }: BrokerContext,
  { resourceType, resourceName }: ResourceReference,
): ConfigResource | TopicFailure {
  if (resourceType === resourceTypes.topic) {
    const topic = catalog.get(resourceName)
    return topic === undefined ? missingTopic(resourceName) : { kind: 'topic', topic }
  }
  if (resourceType === resourceTypes.broker) {
    if (resourceName === '' || resourceName === String(node.nodeId))
      return { kind: 'broker', isForAll: resourceName === '' }
    const message = `Unexpected broker id, expected ${node.nodeId} or empty string, but received ${resourceName}`
    return { error: KafkaError.INVALID_REQUEST, message }
  }
  if (resourceType === resourceTypes.group) {
    // A group may have settings before it is there.
    if (resourceName !== '') return { kind: 'group', groupId: resourceName }
    return { error: KafkaError.INVALID_REQUEST, message: 'Default group resources are not allowed.' }
  }
  return { error: KafkaError.INVALID_REQUEST, message: `Resource type ${resourceType} is not served` }
}

/** What the resource has now. */
function presentConfigs({ config, groupSettings }: BrokerContext, resource: ConfigResource): PresentConfigs {
  if (resource.kind === 'group') return { present: groupSettings.of(resource.groupId), inForce: () => undefined }
  if (resource.kind === 'topic') return { present: resource.topic.configs, inForce: () => undefined }
  const present = resource.isForAll ? config.dynamicDefaults : config.dynamic
  return { present, inForce: (key) => config.layers(key)[0]?.value }
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
  if ('error' in resource) {
    // A change that no topic could have is refused as such, whether the topic is there or not.
    const tried = resourceType === resourceTypes.topic ? change('topic', nothing) : undefined
    const { error, message } = tried !== undefined && 'error' in tried ? tried : resource
    return answer(error, message)
  }
  const changed = change(resource.kind, presentConfigs(broker, resource))
  if ('error' in changed) return answer(changed.error, changed.message)
  const { configs } = changed
  const problem = resource.kind === 'group' ? groupProblem(broker, resource.groupId, configs) : undefined
  if (problem !== undefined) return answer(KafkaError.INVALID_CONFIG, problem)
  if (request.validateOnly) return answer(KafkaError.NONE, null)
  return answer(KafkaError.NONE, null, store(broker, resource, configs))
}

const nothing: PresentConfigs = { present: new Map(), inForce: () => undefined }

function groupProblem(
  { config, groupSettings }: BrokerContext,
  groupId: string,
  configs: ReadonlyMap<string, string>,
): string | undefined {
  const isFull = groupSettings.of(groupId).size === 0 && groupSettings.size >= config.number('keyfold.groups.max')
  return isFull ? 'The broker keeps no more groups (keyfold.groups.max).' : groupConfigsProblem(config, configs)
}

/** Returns the lsn to await. */
function store(
  { catalog, groupSettings }: BrokerContext,
  resource: ConfigResource,
  configs: ReadonlyMap<string, string>,
): number {
  if (resource.kind === 'group') return groupSettings.set(resource.groupId, configs)
  if (resource.kind === 'topic') return catalog.setConfigs(resource.topic, configs)
  return catalog.setBrokerConfigs(configs, resource.isForAll)
}
