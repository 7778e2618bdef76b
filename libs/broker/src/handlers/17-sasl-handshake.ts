import { KafkaError, SaslHandshake } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * SaslHandshake (17), versions 0-1.
 * Behaviour: this listener is PLAINTEXT, so there is nothing to authenticate against: ILLEGAL_SASL_STATE, as Kafka
 * answers there.
 * Versions: both alike.
 * Not done: SASL listeners.
 */
export const saslHandshake = handler(SaslHandshake, () => ({
  errorCode: KafkaError.ILLEGAL_SASL_STATE.code,
  mechanisms: [],
}))
