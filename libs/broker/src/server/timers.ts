import { TimerHeap } from '../scheduler.ts'

/** The broker's timers on the machine's monotonic clock, driven by a single `setTimeout`. */
export function machineTimers(): { scheduler: TimerHeap; stop(): void } {
  let timeout: NodeJS.Timeout | undefined
  let isStopped = false
  const arm = (): void => {
    clearTimeout(timeout)
    const dueMs = scheduler.nextDueMs
    if (isStopped || dueMs === undefined) return
    timeout = setTimeout(run, Math.min(Math.max(0, Math.ceil(dueMs - performance.now())), delayMsMax))
  }
  const run = (): void => {
    scheduler.runDue()
    arm()
  }
  const scheduler = new TimerHeap(() => performance.now(), arm)
  return {
    scheduler,
    stop: () => {
      isStopped = true
      clearTimeout(timeout)
    },
  }
}

/** Longest delay that `setTimeout` takes. */
const delayMsMax = 0x7fff_ffff
