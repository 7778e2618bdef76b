import { DescribeAcls, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { noAuthorizer } from './security.ts'

/**
 * DescribeAcls (29), versions 1-3.
 * Behaviour: there is no authorizer: SECURITY_DISABLED, as Kafka answers then.
 * Versions: all alike.
 * Not done: access control.
 */
export const describeAcls = handler(DescribeAcls, () => ({
  errorCode: KafkaError.SECURITY_DISABLED.code,
  errorMessage: noAuthorizer,
  resources: [],
}))
