import { brokerError } from './broker-error.ts'
import type { Verdict } from './commit-verdicts.ts'
import { KafkaClientError } from './errors.ts'

/** What one step of a commit came to, after its repetitions. */
export type StepOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused' | 'fenced' | 'unknown'; readonly error: Error }

export const done = { kind: 'done' } as const

/** The outcome that decides when steps ran side by side. */
export function gravest(outcomes: readonly StepOutcome[]): StepOutcome {
  for (const kind of ['unknown', 'fenced', 'refused'] as const) {
    const found = outcomes.find((outcome) => outcome.kind === kind)
    if (found !== undefined) return found
  }
  return done
}

/** Marks a request whose answer did not come after it may have left: it may have been carried out. */
export async function inDoubt<Response>(sent: Promise<Response>): Promise<Response> {
  try {
    return await sent
  } catch (error) {
    throw new LostAnswer(error)
  }
}

/** A failed attempt without an answer. Programmer errors are thrown on. */
export function notAnswered(error: unknown): { readonly inDoubt: boolean; readonly error: KafkaClientError } {
  if (error instanceof LostAnswer && error.cause instanceof KafkaClientError)
    return { inDoubt: true, error: error.cause }
  if (error instanceof KafkaClientError) return { inDoubt: false, error }
  throw error
}

/** The broker's refusal of a step as an error. */
export function refusal(verdict: Verdict, errorName: string, what: string): KafkaClientError {
  if (verdict !== 'fenced') return brokerError(errorName, what)
  return new KafkaClientError('PRODUCER_FENCED', `${what}: ${errorName}`, { details: { error: errorName } })
}

class LostAnswer extends Error {
  override readonly name = 'LostAnswer'

  constructor(cause: unknown) {
    super('no answer', { cause })
  }
}
