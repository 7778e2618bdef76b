import { KafkaError, ListConfigResources } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { resourceTypes } from '../topics/config-changes.ts'
import { handler } from './handler.ts'

/**
 * ListConfigResources (74), versions 0-1.
 * Behaviour: what there are settings of: topics, nodes (also as loggers), and groups with settings of their own.
 * Versions: 0 lists client metrics, of which there are none; from 1 on the types asked for, or all.
 * Not done: client metrics.
 */
export const listConfigResources = handler(ListConfigResources, (request, broker, { version }) => {
  const wanted = version === 0 ? [clientMetrics] : request.resourceTypes
  const types = wanted.length === 0 ? known : wanted
  if (types.some((type) => !known.includes(type))) {
    return { errorCode: KafkaError.UNSUPPORTED_VERSION.code, configResources: [] }
  }
  const configResources = [...new Set(types)].flatMap((resourceType) =>
    namesOf(broker, resourceType).map((resourceName) => ({ resourceName, resourceType })),
  )
  return { errorCode: KafkaError.NONE.code, configResources }
})

const brokerLogger = 8
const clientMetrics = 16
const known: readonly number[] = [
  resourceTypes.topic,
  resourceTypes.broker,
  brokerLogger,
  clientMetrics,
  resourceTypes.group,
]

function namesOf({ catalog, cluster, groupSettings }: BrokerContext, type: number): string[] {
  if (type === resourceTypes.topic) return catalog.all().map(({ name }) => name)
  if (type === resourceTypes.broker || type === brokerLogger) return cluster.nodes.map(({ nodeId }) => String(nodeId))
  return type === resourceTypes.group ? groupSettings.groupIds : []
}
