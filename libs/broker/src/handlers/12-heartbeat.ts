import { Heartbeat } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * Heartbeat (12), versions 0-4.
 * Behaviour: keeps a member's session alive; during a rebalance the answer is REBALANCE_IN_PROGRESS.
 * Versions: 3 adds the instance id of static members, 4 is flexible.
 * Not done: nothing.
 */
export const heartbeat = handler(Heartbeat, (request, broker) => ({
  throttleTimeMs: 0,
  errorCode: (coordinatorProblem(broker, request.groupId) ?? broker.groups.heartbeat(request)).code,
}))
