import { AlterUserScramCredentials, KafkaError, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { TopicFailure } from '../topics/new-topic.ts'
import { scramKeys, scramMechanisms } from '../users/scram-credentials.ts'
import { handler } from './handler.ts'

/**
 * AlterUserScramCredentials (51), version 0.
 * Behaviour: sets and deletes credentials; of a salted password only the keys are kept that check one. What one user is
 * given is done as a whole or not at all, with one outcome per user.
 * Versions: only 0.
 * Not done: nobody authenticates by them yet.
 */
export const alterUserScramCredentials = handler(AlterUserScramCredentials, async (request, broker) => {
  const changes: Change[] = [
    ...request.deletions.map((each) => ({ ...each, iterations: undefined })),
    ...request.upsertions,
  ]
  const results = new Map<string, TopicFailure | undefined>()
  for (const { name } of changes) {
    results.set(
      name,
      userProblem(
        broker,
        changes.filter((change) => change.name === name),
      ),
    )
  }
  let lsn = 0
  for (const change of changes) if (results.get(change.name) === undefined) lsn = await alter(broker, change)
  await broker.storage.durable(lsn)
  return {
    results: Array.from(results, ([user, problem]) => ({
      user,
      errorCode: (problem?.error ?? KafkaError.NONE).code,
      errorMessage: problem?.message ?? null,
    })),
  }
})

type Upsertion = RequestOf<typeof AlterUserScramCredentials>['upsertions'][number]
type Change = Upsertion | { name: string; mechanism: number; iterations: undefined }

const iterationsMin = 4096
const iterationsMax = 16_384

/** What is wrong with the changes of one user, undefined if nothing is. */
function userProblem(broker: BrokerContext, changes: readonly Change[]): TopicFailure | undefined {
  const mechanisms = new Set(changes.map(({ mechanism }) => mechanism))
  if (mechanisms.size < changes.length) {
    return failure(KafkaError.DUPLICATE_RESOURCE, 'A user credential cannot be altered twice in the same request')
  }
  return changes.map((change) => changeProblem(broker, change)).find((problem) => problem !== undefined)
}

function changeProblem({ scramCredentials, storage, config }: BrokerContext, change: Change): TopicFailure | undefined {
  const { name, mechanism, iterations } = change
  if (!storage.acceptsWrites) return failure(KafkaError.KAFKA_STORAGE_ERROR, KafkaError.KAFKA_STORAGE_ERROR.text)
  if (name === '') return failure(KafkaError.UNACCEPTABLE_CREDENTIAL, 'Username must not be empty')
  if (!scramMechanisms.has(mechanism)) return failure(KafkaError.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism')
  const isKnown = scramCredentials.get(name, mechanism) !== undefined
  if (iterations === undefined) {
    if (isKnown) return undefined
    return failure(KafkaError.RESOURCE_NOT_FOUND, 'Attempt to delete a user credential that does not exist')
  }
  if (iterations < iterationsMin) return failure(KafkaError.UNACCEPTABLE_CREDENTIAL, 'Too few iterations')
  if (iterations > iterationsMax) return failure(KafkaError.UNACCEPTABLE_CREDENTIAL, 'Too many iterations')
  if (change.salt.length === 0) return failure(KafkaError.UNACCEPTABLE_CREDENTIAL, 'Empty salt')
  if (change.saltedPassword.length === 0) return failure(KafkaError.UNACCEPTABLE_CREDENTIAL, 'Empty salted password')
  if (isKnown || scramCredentials.users.length < config.number('keyfold.users.max')) return undefined
  return failure(KafkaError.POLICY_VIOLATION, 'The broker keeps no more users (keyfold.users.max).')
}

async function alter({ scramCredentials }: BrokerContext, change: Change): Promise<number> {
  const { name: user, mechanism, iterations } = change
  if (iterations === undefined) return scramCredentials.delete(user, mechanism)
  const keys = await scramKeys(scramMechanisms.get(mechanism)?.hash ?? '', change.saltedPassword)
  return scramCredentials.put({ user, mechanism, iterations, salt: change.salt.toString('base64'), ...keys })
}

function failure(error: KafkaError, message: string): TopicFailure {
  return { error, message }
}
