import { DescribeCluster, KafkaError } from '@keyfold/protocol'
import { authorizedOperations, operationsNotAsked } from './authorized-operations.ts'
import { handler } from './handler.ts'

/**
 * DescribeCluster (60), versions 0-2.
 * Behaviour: the nodes, of which the first is shown as the controller; what a client may do, if it asks.
 * Versions: 1 may ask for controllers instead of brokers, which are not reachable from clients.
 * Not done: nothing.
 */
export const describeCluster = handler(DescribeCluster, (request, { catalog, cluster }) => {
  const { endpointType, includeClusterAuthorizedOperations: isAsked } = request
  if (endpointType !== brokers) {
    const error =
      endpointType === controllers ? KafkaError.MISMATCHED_ENDPOINT_TYPE : KafkaError.UNSUPPORTED_ENDPOINT_TYPE
    const failure = { errorCode: error.code, errorMessage: error.text, endpointType }
    return { ...failure, clusterId: '', controllerId: -1, brokers: [] }
  }
  return {
    errorCode: KafkaError.NONE.code,
    endpointType,
    clusterId: catalog.clusterId,
    controllerId: cluster.controllerId,
    brokers: cluster.nodes.map(({ nodeId, host, port }) => ({ brokerId: nodeId, host, port })),
    clusterAuthorizedOperations: isAsked ? authorizedOperations.cluster : operationsNotAsked,
  }
})

const brokers = 1
const controllers = 2
