import { SyncGroup } from '@keyfold/protocol'
import { noAssignment } from '../group-coordinator/member.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * SyncGroup (14), versions 0-5.
 * Behaviour: the leader brings the assignment, every member gets its own once that is durable.
 * Versions: 3 adds static members, 5 names protocol type and protocol in request and response.
 * Not done: nothing.
 */
export const syncGroup = handler(SyncGroup, (request, broker, { onEnded }) => {
  const { groups } = broker
  const misrouted = coordinatorProblem(broker, request.groupId)
  if (misrouted !== undefined) return { errorCode: misrouted.code, assignment: noAssignment }
  const { groupId, memberId, groupInstanceId, generationId, protocolType, protocolName } = request
  // The assignments outlive the frame that they are views of.
  const assignments = new Map(request.assignments.map((each) => [each.memberId, Buffer.from(each.assignment)]))
  const sync = { groupId, memberId, groupInstanceId, generationId, protocolType, protocolName, assignments }
  return new Promise((resolve) => {
    const stopListening = onEnded(() => resolve(undefined))
    groups.sync(sync, ({ error, ...answer }) => {
      stopListening()
      resolve({ throttleTimeMs: 0, errorCode: error.code, ...answer })
    })
  })
})
