import { BackOff, delay } from './back-off.ts'
import { KafkaClientError } from './errors.ts'

export interface RetryOptions {
  readonly deadlineMs: number
  readonly firstWaitMs?: number
  readonly capMs?: number
  /** Runs before the next attempt, for instance to forget a leader. */
  readonly before?: (error: KafkaClientError) => void
}

/** Repeats a call that may be repeated, as long as it fails with a retriable error and the deadline is not reached. */
export async function retrying<Result>(options: RetryOptions, attempt: () => Promise<Result>): Promise<Result> {
  const backOff = new BackOff(options.firstWaitMs ?? 20, options.capMs ?? 1_000)
  const deadline = Date.now() + options.deadlineMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof KafkaClientError) || !error.retriable) throw error
      const waitMs = backOff.next()
      if (Date.now() + waitMs > deadline) throw error
      options.before?.(error)
      await delay(waitMs)
    }
  }
}
