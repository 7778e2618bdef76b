import { CreateAcls, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { noAuthorizer } from './security.ts'

/**
 * CreateAcls (30), versions 1-3.
 * Behaviour: there is no authorizer: SECURITY_DISABLED for every rule, as Kafka answers then.
 * Versions: all alike.
 * Not done: access control.
 */
export const createAcls = handler(CreateAcls, (request) => ({
  results: request.creations.map(() => ({
    errorCode: KafkaError.SECURITY_DISABLED.code,
    errorMessage: noAuthorizer,
  })),
}))
