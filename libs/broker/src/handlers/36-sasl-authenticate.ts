import { KafkaError, SaslAuthenticate } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * SaslAuthenticate (36), versions 0-2.
 * Behaviour: this listener is PLAINTEXT: ILLEGAL_SASL_STATE, as Kafka answers there.
 * Versions: all alike.
 * Not done: SASL listeners.
 */
export const saslAuthenticate = handler(SaslAuthenticate, () => ({
  errorCode: KafkaError.ILLEGAL_SASL_STATE.code,
  errorMessage: 'SaslAuthenticate request received after successful authentication',
  authBytes: Buffer.alloc(0),
}))
