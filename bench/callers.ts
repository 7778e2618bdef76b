export interface Calls {
  /** In milliseconds, as they came. */
  readonly latencies: readonly number[]
  readonly elapsedMs: number
}

/** So many callers, each of which waits for its answer before it asks again. `durationMs` is looked at before every call. */
export async function closedLoop(
  callers: number,
  execute: () => Promise<unknown>,
  durationMs: () => number,
): Promise<Calls> {
  const latencies: number[] = []
  const startedAt = performance.now()
  const caller = async () => {
    while (performance.now() - startedAt < durationMs()) {
      const sentAt = performance.now()
      await execute()
      latencies.push(performance.now() - sentAt)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return { elapsedMs: performance.now() - startedAt, latencies }
}
