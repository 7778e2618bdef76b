import { KafkaError, ListGroups } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * ListGroups (16), versions 0-5.
 * Behaviour: every group of this coordinator, or those in the states and of the types asked for (case does not matter).
 * Versions: 4 filters by state (KIP-518), 5 by type (KIP-848).
 * Not done: share and streams groups.
 */
export const listGroups = handler(ListGroups, (request, broker) => {
  const states = new Set(request.statesFilter.map((state) => state.toLowerCase()))
  const types = new Set(request.typesFilter.map((type) => type.toLowerCase()))
  const isWanted = ({ groupId, groupState, groupType }: ListedGroup) =>
    coordinatorProblem(broker, groupId) === undefined &&
    (types.size === 0 || types.has(groupType)) &&
    (states.size === 0 || states.has(groupState.toLowerCase()))
  return {
    throttleTimeMs: 0,
    errorCode: KafkaError.NONE.code,
    groups: listed(broker).filter(isWanted),
  }
})

type ListedGroup = ReturnType<typeof listed>[number]

function listed({ groups, consumerGroups }: BrokerContext) {
  const classic = groups.all().map(({ groupId, protocolType, state }) => ({
    groupId,
    protocolType: protocolType ?? '',
    groupState: state as string,
    groupType: 'classic',
  }))
  const modern = consumerGroups
    .all()
    .map(({ groupId, state }) => ({ groupId, protocolType: 'consumer', groupState: state, groupType: 'consumer' }))
  return [...classic, ...modern]
}
