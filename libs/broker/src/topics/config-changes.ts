import { KafkaError } from '@keyfold/protocol'
import { brokerConfigDefinition } from '../config/broker-configs.ts'
import { type ConfigDefinition, configProblem, listElements } from '../config/config-definition.ts'
import { groupConfigDefinition } from '../config/group-configs.ts'
import { topicConfigDefinition } from '../config/topic-configs.ts'
import type { TopicFailure } from './new-topic.ts'

/** Kafka's numbers for what a setting belongs to, as far as they are served. */
export const resourceTypes = { topic: 2, broker: 4, group: 32 } as const
export type ResourceKind = keyof typeof resourceTypes

/** Kafka's numbers for incremental changes (KIP-339). */
export const configOperations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export interface ConfigChange {
  name: string
  value: string | null
  configOperation: number
}

export type ChangedConfigs = { configs: ReadonlyMap<string, string> } | TopicFailure

/** The settings a resource has after its own ones are replaced by these. */
export function replaceConfigs(
  kind: ResourceKind,
  values: readonly { name: string; value: string | null }[],
): ChangedConfigs {
  const sets = values.map((each) => ({ ...each, configOperation: configOperations.set }))
  return changeConfigs(kind, { present: new Map(), inForce: () => undefined }, sets)
}

/** What a resource has now: its own settings, and the value in force for any key. */
export interface PresentConfigs {
  present: ReadonlyMap<string, string>
  inForce: (key: string) => string | undefined
}

/** The settings a resource has after the changes, or the first problem; nothing is changed by a part of them. */
export function changeConfigs(
  kind: ResourceKind,
  { present, inForce }: PresentConfigs,
  changes: readonly ConfigChange[],
): ChangedConfigs {
  const configs = new Map(present)
  const touched = new Set<string>()
  for (const change of changes) {
    const { name } = change
    if (touched.has(name)) return failure(KafkaError.INVALID_REQUEST, `Duplicate config key ${name} in the request.`)
    touched.add(name)
    const definition = definitionsOf[kind](name)
    if (definition === undefined) return failure(KafkaError.INVALID_CONFIG, `Unknown ${kind} config name: ${name}`)
    if (kind === 'broker' && definition.dynamic !== true) {
      return failure(KafkaError.INVALID_REQUEST, `Cannot update these configs dynamically: ${name}`)
    }
    const next = nextValue(definition, { change, inForce: configs.get(name) ?? inForce(name) ?? definition.default })
    if (typeof next === 'object') return next
    if (next === undefined) configs.delete(name)
    else configs.set(name, next)
  }
  return { configs }
}

const definitionsOf: Record<ResourceKind, (name: string) => ConfigDefinition | undefined> = {
  topic: topicConfigDefinition,
  broker: brokerConfigDefinition,
  group: groupConfigDefinition,
}

/** The new value of one key, undefined to fall back to the default. */
function nextValue(
  definition: ConfigDefinition,
  { change, inForce }: { change: ConfigChange; inForce: string },
): string | undefined | TopicFailure {
  const { name, value, configOperation } = change
  if (configOperation === configOperations.delete) return undefined
  if (value === null) return failure(KafkaError.INVALID_REQUEST, `Null value not supported for config ${name}`)
  const isListChange = configOperation === configOperations.append || configOperation === configOperations.subtract
  if (!isListChange && configOperation !== configOperations.set) {
    return failure(KafkaError.INVALID_REQUEST, `Unknown operation ${configOperation} for config ${name}`)
  }
  if (isListChange && definition.type !== 'list') {
    return failure(KafkaError.INVALID_CONFIG, `Can't append to or subtract from ${name}: it is not a list`)
  }
  const next = isListChange ? changedList(inForce, value, configOperation) : value
  const problem = configProblem(name, definition, next)
  return problem === undefined ? next : failure(KafkaError.INVALID_CONFIG, problem)
}

function changedList(inForce: string, value: string, operation: number): string {
  const elements = new Set(listElements(inForce))
  for (const element of listElements(value)) {
    if (operation === configOperations.append) elements.add(element)
    else elements.delete(element)
  }
  return [...elements].join(',')
}

function failure(error: KafkaError, message: string): TopicFailure {
  return { error, message }
}
