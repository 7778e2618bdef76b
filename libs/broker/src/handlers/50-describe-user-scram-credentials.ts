import { DescribeUserScramCredentials, KafkaError } from '@keyfold/protocol'
import { eachOnce } from './each-once.ts'
import { handler } from './handler.ts'

/**
 * DescribeUserScramCredentials (50), version 0.
 * Behaviour: which mechanisms users have credentials for, and with how many iterations; never the credentials.
 * Versions: only 0.
 * Not done: nothing here; nobody authenticates by them yet.
 */
export const describeUserScramCredentials = handler(DescribeUserScramCredentials, ({ users }, { scramCredentials }) => {
  const named = users?.map(({ name }) => name) ?? []
  const asked = named.length === 0 ? scramCredentials.users : named
  const results = eachOnce(asked, (name) => name).map(({ item: user, isTwice }) => {
    const credentialInfos = scramCredentials.of(user).map(({ mechanism, iterations }) => ({ mechanism, iterations }))
    if (isTwice) {
      const errorMessage = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`
      return { user, errorCode: KafkaError.DUPLICATE_RESOURCE.code, errorMessage, credentialInfos: [] }
    }
    if (credentialInfos.length > 0)
      return { user, errorCode: KafkaError.NONE.code, errorMessage: null, credentialInfos }
    const errorMessage = `Attempt to describe a user credential that does not exist: ${user}`
    return { user, errorCode: KafkaError.RESOURCE_NOT_FOUND.code, errorMessage, credentialInfos }
  })
  return { errorCode: KafkaError.NONE.code, errorMessage: null, results }
})
