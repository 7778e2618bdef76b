import type { Cluster } from './cluster.ts'
import { KafkaClientError } from './errors.ts'
import type { NodeCapabilities } from './kafka-client.ts'

/** What each node that answers can do. Errors: `KAFKA_UNREACHABLE` when none does. */
export async function capabilitiesOf(cluster: Cluster): Promise<readonly NodeCapabilities[]> {
  const { nodes } = await cluster.describe()
  const told = await Promise.all(
    nodes.map(({ nodeId, host, port }) => capabilitiesOfNode(cluster, { nodeId, address: `${host}:${port}` })),
  )
  return told.filter((node) => node !== undefined)
}

/** Undefined for a node that is away: it is asked when it is back, by whoever needs it. */
async function capabilitiesOfNode(
  cluster: Cluster,
  node: Pick<NodeCapabilities, 'nodeId' | 'address'>,
): Promise<NodeCapabilities | undefined> {
  try {
    const link = await cluster.linkTo(node.nodeId)
    return { ...node, apis: link.newestVersions, features: await link.features() }
  } catch (error) {
    if (!(error instanceof KafkaClientError)) throw error
    if (error.retriable) return undefined
    if (error.code !== 'KAFKA_INCOMPATIBLE') throw error
    return { ...node, apis: new Map(), features: new Map(), incompatible: error.message }
  }
}
