import { defineApi } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/** Which SCRAM credentials users have, without the secrets (KIP-554). */
export const DescribeUserScramCredentials = defineApi({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: [0, 0],
  flexible: 0,
  request: {
    users: array(struct({ name: string() }), { nullable: '0+' }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    results: array(
      struct({
        user: string(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        credentialInfos: array(struct({ mechanism: int8(), iterations: int32() })),
      }),
    ),
  },
})
