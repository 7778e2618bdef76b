import { DeleteGroups, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * DeleteGroups (42), versions 0-2.
 * Behaviour: forgets empty groups with their offsets; answers once that is durable, each group once.
 * Versions: 2 is flexible.
 * Not done: nothing.
 */
export const deleteGroups = handler(DeleteGroups, async (request, broker) => {
  const { groups, storage } = broker
  const problemOf = (groupId: string) => {
    const misrouted = coordinatorProblem(broker, groupId)
    const error = misrouted ?? (storage.acceptsWrites ? undefined : KafkaError.KAFKA_STORAGE_ERROR)
    return error && { error, lsn: 0 }
  }
  const outcomes = [...new Set(request.groupsNames)].map((groupId) => ({
    groupId,
    ...(problemOf(groupId) ?? groups.delete(groupId)),
  }))
  await storage.durable(Math.max(0, ...outcomes.map(({ lsn }) => lsn)))
  return { results: outcomes.map(({ groupId, error }) => ({ groupId, errorCode: error.code })) }
})
