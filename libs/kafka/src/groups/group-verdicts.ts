import { isTransient } from '../broker-error.ts'

/**
 * What a member does about a coordinator's answer.
 * - `stay`: all is well.
 * - `rejoin`: the group forms anew; enter it again under the same id.
 * - `joinAnew`: the group does not know this member any more; enter as a new one.
 * - `again`: not now, or not here: find the coordinator and repeat.
 * - `fail`: say so, and repeat later.
 */
export type GroupVerdict = 'stay' | 'rejoin' | 'joinAnew' | 'again' | 'fail'

const verdicts: Readonly<Record<string, GroupVerdict>> = {
  NONE: 'stay',
  REBALANCE_IN_PROGRESS: 'rejoin',
  ILLEGAL_GENERATION: 'rejoin',
  // KIP-394: the answer has the id to come back with.
  MEMBER_ID_REQUIRED: 'rejoin',
  UNKNOWN_MEMBER_ID: 'joinAnew',
  FENCED_INSTANCE_ID: 'joinAnew',
}

export function groupVerdict(errorName: string): GroupVerdict {
  return verdicts[errorName] ?? (isTransient(errorName) ? 'again' : 'fail')
}
