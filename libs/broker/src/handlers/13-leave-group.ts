import { KafkaError, LeaveGroup } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * LeaveGroup (13), versions 0-5.
 * Behaviour: takes members out of a group, which then rebalances once for all of them.
 * Versions: 0-2 one member, its error on top; 3+ a list with an error each, static members by instance id alone.
 * Not done: the reason (v5) is read and dropped.
 */
export const leaveGroup = handler(LeaveGroup, (request, broker, { version }) => {
  const { groups } = broker
  const misrouted = coordinatorProblem(broker, request.groupId)
  if (misrouted !== undefined) return { throttleTimeMs: 0, errorCode: misrouted.code, members: [] }
  if (request.groupId === '') return { throttleTimeMs: 0, errorCode: KafkaError.INVALID_GROUP_ID.code, members: [] }
  const isBatch = version >= 3
  const leavers = isBatch ? request.members : [{ memberId: request.memberId, groupInstanceId: null }]
  const errors = groups.leave(request.groupId, leavers) ?? leavers.map(() => KafkaError.UNKNOWN_MEMBER_ID)
  const codes = errors.map(({ code }) => code)
  if (!isBatch) return { throttleTimeMs: 0, errorCode: codes[0] ?? KafkaError.NONE.code }
  const members = leavers.map(({ memberId, groupInstanceId }, index) => ({
    memberId,
    groupInstanceId,
    errorCode: codes[index] ?? KafkaError.UNKNOWN_SERVER_ERROR.code,
  }))
  return { throttleTimeMs: 0, errorCode: KafkaError.NONE.code, members }
})
