import { JoinGroup } from '@keyfold/protocol'
import type { JoinAnswer } from '../group-coordinator/member.ts'
import { failedJoin } from '../group-coordinator/session.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'

/**
 * JoinGroup (11), versions 0-9.
 * Behaviour: enters a group's round; the answer comes when the generation begins (or at once, see membership.ts).
 * Versions: 1 adds the rebalance timeout (before: the session timeout), 4 asks newcomers to come back with the id they
 * are given (KIP-394), 5 adds static members (KIP-345), 7 names the protocol, 9 skipAssignment (KIP-814).
 * Not done: nothing.
 */
export const joinGroup = handler(JoinGroup, (request, broker, { version, clientId, clientHost, onEnded }) => {
  const { groups } = broker
  const misrouted = coordinatorProblem(broker, request.groupId)
  if (misrouted !== undefined) return toResponse(failedJoin(misrouted, request.memberId), version)
  const join = {
    groupId: request.groupId,
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    clientId,
    clientHost,
    protocolType: request.protocolType,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: version >= 1 ? request.rebalanceTimeoutMs : request.sessionTimeoutMs,
    // The member outlives the frame that its metadata is a view of.
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    memberIdRequired: version >= 4,
    canSkipAssignment: version >= 9,
  }
  return new Promise((resolve) => {
    const stopListening = onEnded(() => resolve(undefined))
    groups.join(join, (answer) => {
      stopListening()
      resolve(toResponse(answer, version))
    })
  })
})

function toResponse({ error, ...answer }: JoinAnswer, version: number) {
  const protocolName = answer.protocolName ?? (version >= 7 ? null : '')
  const { skipAssignment } = answer
  return {
    throttleTimeMs: 0,
    errorCode: error.code,
    ...answer,
    protocolName,
    ...(version >= 9 ? { skipAssignment } : {}),
  }
}
