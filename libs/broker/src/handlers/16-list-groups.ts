import { KafkaError, ListGroups } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * ListGroups (16), versions 0-5.
 * Behaviour: every group, or those in the states and of the types asked for (case does not matter).
 * Versions: 4 filters by state (KIP-518), 5 by type (KIP-848); every group here is of type classic.
 * Not done: other types of groups.
 */
export const listGroups = handler(ListGroups, (request, { groups }) => {
  const states = new Set(request.statesFilter.map((state) => state.toLowerCase()))
  const types = new Set(request.typesFilter.map((type) => type.toLowerCase()))
  const wanted = types.size === 0 || types.has(classic) ? groups.all() : []
  return {
    throttleTimeMs: 0,
    errorCode: KafkaError.NONE.code,
    groups: wanted
      .filter(({ state }) => states.size === 0 || states.has(state.toLowerCase()))
      .map(({ groupId, protocolType, state }) => ({
        groupId,
        protocolType: protocolType ?? '',
        groupState: state,
        groupType: classic,
      })),
  }
})

const classic = 'classic'
