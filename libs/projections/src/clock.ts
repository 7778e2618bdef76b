/** The time and its alarms, given from outside so that tests can move it. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number
  /** Calls `run` once after so many milliseconds; answers how to call it off. */
  after(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

/** Waits, or stops waiting when the signal is raised. */
export async function pauseFor(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(ms, done)
    signal?.addEventListener('abort', done)
  })
}

/** Lets everything else that waits for the event loop have its turn. */
export async function breathe(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
