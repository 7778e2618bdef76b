import { defineApi } from '../api.ts'
import { bytes, int16, int64, string } from '../fields.ts'

/** Carries SASL tokens, and a session's lifetime back (KIP-368). */
export const SaslAuthenticate = defineApi({
  key: 36,
  name: 'SaslAuthenticate',
  versions: [0, 2],
  flexible: 2,
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ versions: '1+', fallback: 0, ignorable: true }),
  },
})
