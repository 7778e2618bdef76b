import type { ProjectorPolicies } from '@keyfold/eventsourcing'

/** How often a failing batch, then a failing event, is tried before its partition halts. */
export interface RetryPolicy {
  readonly batchAttempts: number
  readonly eventAttempts: number
  readonly firstDelayMs: number
  readonly delayMsMax: number
}

export const DEFAULT_RETRY: RetryPolicy = { batchAttempts: 3, eventAttempts: 3, firstDelayMs: 50, delayMsMax: 2_000 }

/** How a partition is doing: what failed in a row, and whether events are applied one by one to find the culprit. */
export interface Trouble {
  readonly failures: number
  readonly eventByEvent: boolean
}

export const NO_TROUBLE: Trouble = { failures: 0, eventByEvent: false }

export type Remedy =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly trouble: Trouble }
  | { readonly kind: 'halt' }

/** After a transaction went through: the failures are over, the search for the culprit goes on to the batch's end. */
export function afterSuccess(trouble: Trouble): Trouble {
  return trouble.failures === 0 ? trouble : { ...trouble, failures: 0 }
}

/** After a transaction failed. `hopeless` failures, such as an unreadable event, are not tried again, only located. */
export function afterFailure(trouble: Trouble, hopeless: boolean, policy: RetryPolicy): Remedy {
  const failures = trouble.failures + 1
  const attempts = trouble.eventByEvent ? policy.eventAttempts : policy.batchAttempts
  if (failures < attempts && !hopeless)
    return { kind: 'retry', delayMs: delayAfter(failures, policy), trouble: { ...trouble, failures } }
  if (trouble.eventByEvent) return { kind: 'halt' }
  return { kind: 'retry', delayMs: 0, trouble: { failures: 0, eventByEvent: true } }
}

/** Whether an event that keeps failing is set aside with its key; otherwise its partition stops at it. */
export function isParked(
  event: { readonly unknown: boolean },
  { onError, onUnknownEvent }: ProjectorPolicies,
): boolean {
  return event.unknown ? onUnknownEvent === 'park' : onError === 'park-key'
}

function delayAfter(failures: number, { firstDelayMs, delayMsMax }: RetryPolicy): number {
  return Math.min(firstDelayMs * 4 ** (failures - 1), delayMsMax)
}
