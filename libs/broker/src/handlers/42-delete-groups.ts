import { DeleteGroups, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * DeleteGroups (42), versions 0-2.
 * Behaviour: forgets empty groups with their offsets; answers once that is durable.
 * Versions: 2 is flexible.
 * Not done: nothing.
 */
export const deleteGroups = handler(DeleteGroups, async (request, { groups, storage }) => {
  const outcomes = request.groupsNames.map((groupId) => ({
    groupId,
    ...(storage.acceptsWrites ? groups.delete(groupId) : { error: KafkaError.KAFKA_STORAGE_ERROR, lsn: 0 }),
  }))
  await storage.durable(Math.max(0, ...outcomes.map(({ lsn }) => lsn)))
  return { results: outcomes.map(({ groupId, error }) => ({ groupId, errorCode: error.code })) }
})
