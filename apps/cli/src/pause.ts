import { setTimeout as timer } from 'node:timers/promises'

/** Waits, but not longer than the signal lets it. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await timer(ms, undefined, { signal }).catch(() => undefined)
}
