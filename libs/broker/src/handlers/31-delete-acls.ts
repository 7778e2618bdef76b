import { DeleteAcls, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { noAuthorizer } from './security.ts'

/**
 * DeleteAcls (31), versions 1-3.
 * Behaviour: there is no authorizer: SECURITY_DISABLED for every filter, as Kafka answers then.
 * Versions: all alike.
 * Not done: access control.
 */
export const deleteAcls = handler(DeleteAcls, (request) => ({
  filterResults: request.filters.map(() => ({
    errorCode: KafkaError.SECURITY_DISABLED.code,
    errorMessage: noAuthorizer,
    matchingAcls: [],
  })),
}))
