import { defineApi } from '../api.ts'
import { array, int16, string } from '../fields.ts'

/** Picks the SASL mechanism. Never flexible; after version 1 the tokens travel in SaslAuthenticate (KIP-152). */
export const SaslHandshake = defineApi({
  key: 17,
  name: 'SaslHandshake',
  versions: [0, 1],
  flexible: null,
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: array(string()),
  },
})
