import { AlterClientQuotas, KafkaError, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { entityProblem, quotaProblem } from '../quotas/quota-rules.ts'
import type { TopicFailure } from '../topics/new-topic.ts'
import { handler } from './handler.ts'

/**
 * AlterClientQuotas (49), versions 0-1.
 * Behaviour: sets and removes quotas of users, client ids and addresses; each entity has its own outcome and is changed
 * as a whole or not at all.
 * Versions: 1 is flexible.
 * Not done: quotas are kept but not enforced yet.
 */
export const alterClientQuotas = handler(AlterClientQuotas, async ({ entries, validateOnly }, broker) => {
  let lsn = 0
  const outcomes = entries.map((entry) => {
    const changed = changedValues(broker, entry)
    // In the order in which Kafka gives the parts of an entity back: clients compare.
    const entity = entry.entity.toSorted((a, b) => (a.entityType < b.entityType ? -1 : 1))
    if ('error' in changed) return { errorCode: changed.error.code, errorMessage: changed.message, entity }
    if (!validateOnly) lsn = broker.clientQuotas.set(entity, changed.values)
    return { errorCode: KafkaError.NONE.code, errorMessage: null, entity }
  })
  await broker.storage.durable(lsn)
  return { entries: outcomes }
})

type Entry = RequestOf<typeof AlterClientQuotas>['entries'][number]

function changedValues(
  { clientQuotas, storage, config }: BrokerContext,
  { entity, ops }: Entry,
): { values: Record<string, number> } | TopicFailure {
  if (!storage.acceptsWrites)
    return { error: KafkaError.KAFKA_STORAGE_ERROR, message: KafkaError.KAFKA_STORAGE_ERROR.text }
  const problem = entityProblem(entity)
  if (problem !== undefined) return problem
  const values = new Map(Object.entries(clientQuotas.of(entity)))
  const isNew = values.size === 0
  for (const { key, value, remove } of ops) {
    const wrong = quotaProblem(entity, key, remove ? 1 : value)
    if (wrong !== undefined) return wrong
    if (remove) values.delete(key)
    else values.set(key, value)
  }
  if (isNew && clientQuotas.size >= config.number('keyfold.client.quotas.max')) {
    return {
      error: KafkaError.POLICY_VIOLATION,
      message: 'The broker keeps no more quotas (keyfold.client.quotas.max).',
    }
  }
  return { values: Object.fromEntries(values) }
}
