import { DescribeCluster, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * DescribeCluster (60), versions 0-2.
 * Behaviour: the nodes, of which the first is shown as the controller.
 * Versions: 1 may ask for controllers instead of brokers, which are not reachable from clients.
 * Not done: authorized operations (there is no authorizer: all are left out).
 */
export const describeCluster = handler(DescribeCluster, (request, { catalog, cluster }) => {
  const { endpointType } = request
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
  }
})

const brokers = 1
const controllers = 2
