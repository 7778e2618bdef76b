import { FindCoordinator, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * FindCoordinator (10), versions 0-6.
 * Behaviour: every group and every transactional id has its coordinator, the same one for ever; it is ready before it
 * listens, so that nobody is ever told to come back later.
 * Versions: 0 groups only, 1 adds transactional ids, 4 several keys at once (KIP-699).
 * Not done: coordinators of share groups (key type 2).
 */
export const findCoordinator = handler(FindCoordinator, (request, { cluster }, { version }) => {
  const known = request.keyType === keyTypes.group || request.keyType === keyTypes.transaction
  const error = known ? KafkaError.NONE : KafkaError.INVALID_REQUEST
  const errorMessage = known ? null : `There is no coordinator for keys of type ${request.keyType}`
  const find = (key: string) => ({
    ...(known ? cluster.coordinatorOf(key) : nobody),
    errorCode: error.code,
    errorMessage,
  })
  if (version < 4) return { ...find(request.key), ...(version === 0 ? { errorMessage: undefined } : {}) }
  return { coordinators: request.coordinatorKeys.map((key) => ({ key, ...find(key) })) }
})

const nobody = { nodeId: -1, host: '', port: -1 }

const keyTypes = { group: 0, transaction: 1 }
